"""Reads [[format, file, host], ...] as JSON and writes what the parsers of Python make of each file's token."""

import configparser
import json
import netrc
import os
import sys
import tempfile
import tomllib
import urllib.parse


def of_netrc(path, _, host):
    return netrc.netrc(path).authenticators(host)[2]


def of_pip(path, _, __):
    parser = configparser.RawConfigParser()
    parser.read(path, encoding='utf-8')
    return urllib.parse.unquote(urllib.parse.urlsplit(parser.get('global', 'index-url')).password)


def of_cargo(_, text, __):
    (registry,) = tomllib.loads(text)['registries'].values()
    return registry['token'].removeprefix('Bearer ')


def of_git(_, text, __):
    (line,) = text.splitlines()
    return urllib.parse.unquote(urllib.parse.urlsplit(line).password)


parsers = {'netrc': of_netrc, 'pip': of_pip, 'cargo': of_cargo, 'git-credentials': of_git}
tokens = []
with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, 'file')
    for form, text, host in json.load(sys.stdin):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        tokens.append(parsers[form](path, text, host))
json.dump(tokens, sys.stdout)
