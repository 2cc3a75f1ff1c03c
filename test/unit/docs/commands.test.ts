import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { kinds, type OurKind } from '../../../src/api/kinds.ts'
import { program } from '../../../src/cli/program.ts'
import { requestAnnotations } from '../../../src/domain/names.ts'
import { fieldsOf, isField, pathsIn } from './crd-fields.ts'
import { codeIn, pages, titleOf } from './pages.ts'
import { commandsIn, documentedCommands } from './shell-commands.ts'

const commands = documentedCommands()
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Record<string, string> }
const chart = 'deploy/helm/oauth-credential-operator'
const values: unknown = parse(readFileSync(`${chart}/values.yaml`, 'utf8'))

const nothing = (): Promise<void> => Promise.resolve()
const cli = program('0', { controller: nothing, standalone: nothing, status: nothing, check: nothing })

/** Options of each command of ours, by its name. */
const optionsOf = new Map(
  cli.commands.map((command) => [
    command.name(),
    new Set(command.options.flatMap(({ long, short }) => [long, short]).filter((flag) => typeof flag === 'string')),
  ]),
)
/** Of kubectl, helm and other programs that the documents speak of, and those of every program; add what a page needs. */
const optionsOfOthers = new Set([
  '--help',
  '--version',
  '--dry-run',
  '--enable-feature',
  '--force',
  '--force-conflicts',
  '--keyfile',
  '--reset-then-reuse-values',
  '--reuse-values',
  '--server-side',
  '--set',
  '--take-ownership',
])
const ownOptions = new Set([...optionsOf.values()].flatMap((flags) => [...flags]))

/** Kinds of Kubernetes that the documents speak of, as kubectl takes them. */
const otherKinds = new Set(
  'secret secrets pod pods namespace lease events deployment resourcequotas leases crds configmap'.split(' '),
)
const kindVerbs = new Set(['get', 'describe', 'delete', 'annotate', 'patch', 'wait', 'explain', 'label', 'edit'])
/** Flags of kubectl that take the next word. */
const valued = new Set(['-n', '--namespace', '-o', '-l', '-p', '-f', '-k', '--as', '--field-selector', '--patch-file'])

/** The words of a kubectl command that are no flags: verb, kind, names. */
function plainWords(words: readonly string[]): readonly string[] {
  return words.slice(1).filter((word, index, all) => !word.startsWith('-') && !valued.has(all[index - 1] ?? ''))
}

function kindOf(word: string): OurKind | undefined {
  const [name = ''] = word.toLowerCase().split(/[./]/)
  const found = Object.values(kinds).find(({ singular, plural, shortNames }) =>
    [singular, plural, ...shortNames].some((known) => known === name),
  )
  return found?.kind
}

/** Undefined when the command can be understood by this project's cluster. */
function kubectlProblems(words: readonly string[]): readonly string[] {
  const [verb = '', kindWord = ''] = plainWords(words)
  if (!kindVerbs.has(verb) || words.includes('--raw')) return []
  const unknown = kindWord
    .split(',')
    .filter((word) => kindOf(word) === undefined && !otherKinds.has(word.split('/')[0] ?? ''))
  const kind = kindOf(kindWord.split(',')[0] ?? '')
  const problems = unknown.map((word) => `there is no kind ${word}`)
  return kind === undefined ? problems : [...problems, ...fieldProblems(kind, words)]
}

function fieldProblems(kind: OurKind, words: readonly string[]): readonly string[] {
  const paths = words.flatMap(pathsNamedIn)
  return [
    ...paths.filter((path) => !isField(kind, path)).map((path) => `${kind} has no ${path}`),
    ...conditionProblems(kind, words),
    ...selectorProblems(kind, words),
    ...annotationProblems(words),
  ]
}

/** Fields in a JSON path, in columns, or in a patch. */
function pathsNamedIn(word: string): readonly string[] {
  if (word.startsWith('{"'))
    return pathsIn(JSON.parse(word), '')
      .map((path) => path.slice(1))
      .filter(isPath)
  const named = [...word.matchAll(/\.((?:status|spec)(?:\.[a-zA-Z]+|\[\*\])+)/g)]
  return named.map(([, path = '']) => path).filter(isPath)
}

function isPath(path: string): boolean {
  return /^(spec|status)\./.test(path)
}

/** Which conditions there are, only the description of their type tells the API server. */
function conditionProblems(kind: OurKind, words: readonly string[]): readonly string[] {
  const { description = '' } = fieldsOf(kind).find(({ path }) => path === 'status.conditions[].type') ?? {}
  const waited = words.flatMap((word) => /^--for=condition=(\w+)/.exec(word)?.[1] ?? [])
  return waited
    .filter((type) => !description.split(/\W+/).includes(type))
    .map((type) => `${kind} has no condition ${type}`)
}

function selectorProblems(kind: OurKind, words: readonly string[]): readonly string[] {
  const selectors = words.filter((_, index) => words[index - 1] === '--field-selector')
  const { selectableFields } = kinds[kind]
  return selectors
    .map((selector) => `.${selector.split('=')[0] ?? ''}`)
    .filter((field) => !selectableFields.some((known) => known === field))
    .map((field) => `${kind} cannot be selected by ${field}`)
}

function annotationProblems(words: readonly string[]): readonly string[] {
  if (!words.includes('annotate')) return []
  const named = words.filter((word) => word.startsWith('oauth-operator.dev/'))
  const known = new Set<string>(Object.values(requestAnnotations))
  return named.map((word) => word.split('=')[0]?.replace(/-$/, '') ?? '').filter((name) => !known.has(name))
}

function npmProblems(words: readonly string[]): readonly string[] {
  if (words[1] !== 'run') return []
  const [, , script = '', ...rest] = words.filter((word) => word !== '-s')
  const command = scripts[script]
  if (command === undefined) return [`package.json has no script ${script}`]
  return [...ownProblems([...command.split(' '), ...rest]), ...foreignOptions(command, rest)]
}

/** Options of the scripts of this project stand in their text, or in one that they import. */
function foreignOptions(command: string, rest: readonly string[]): readonly string[] {
  const [file] = /(?:scripts|test)\/\S+\.ts/.exec(command) ?? []
  if (file === undefined) return []
  const text = readFileSync(file, 'utf8')
  const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) =>
    readFileSync(new URL(path, new URL(`../../../${file}`, import.meta.url)), 'utf8'),
  )
  const all = [text, ...imported].join('\n')
  const options = rest.filter((word) => /^--\w/.test(word)).map((word) => word.slice(2).split('=')[0] ?? '')
  return options
    .filter((name) => !new RegExp(`--${name}\\b|\\b${name}: \\{ ?type|'${name}'`).test(all))
    .map((name) => `${file} has no option --${name}`)
}

/** Of commands that run ours, `node src/main/main.ts standalone`. */
function ownProblems(words: readonly string[]): readonly string[] {
  const at = words.indexOf('src/main/main.ts')
  if (at < 0) return []
  const [command = '', ...rest] = words.slice(at + 1)
  if (command === '--help') return []
  const options = optionsOf.get(command)
  if (options === undefined) return [`there is no command ${command}`]
  return rest
    .filter((word) => /^-\w|^--\w/.test(word))
    .map((word) => word.split('=')[0] ?? '')
    .filter((flag) => !options.has(flag))
    .map((flag) => `${command} has no option ${flag}`)
}

function helmProblems(words: readonly string[]): readonly string[] {
  const set = words.filter((_, index) => /^--set(-string|-json)?$/.test(words[index - 1] ?? ''))
  const named = new Set(pathsIn(values, 'values'))
  return set
    .flatMap((settings) => settings.split(/,(?=\w+[.=])/))
    .map((setting) => setting.split('=')[0] ?? '')
    .filter((name) => !named.has(`values.${name}`))
    .map((name) => `the chart has no value ${name}`)
}

/** The image that the chart takes is the one that people are told to build. */
function dockerProblems(words: readonly string[]): readonly string[] {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const given = words.filter((_, index) => words[index - 1] === '--build-arg').map((word) => word.split('=')[0] ?? '')
  const unknown = given.filter((name) => !new RegExp(`^ARG ${name}$`, 'm').test(dockerfile))
  const versions = words.flatMap(
    (word) => /\/oauth-credential-operator:(\S+)$|^VERSION=(\S+)$/.exec(word)?.slice(1) ?? [],
  )
  const { appVersion } = parse(readFileSync(`${chart}/Chart.yaml`, 'utf8')) as { readonly appVersion: string }
  const wrong = versions.filter((version) => version !== undefined && version !== appVersion)
  return [
    ...unknown.map((name) => `the Dockerfile has no argument ${name}`),
    ...wrong.map((version) => `the chart takes the image ${appVersion}, not ${version}`),
  ]
}

/** Paths within this project begin with one of its folders. */
function pathProblems(words: readonly string[]): readonly string[] {
  return words
    .flatMap((word) => word.split('='))
    .filter((word) => /^(deploy|docs|examples|scripts|src|test)(\/|$)/.test(word))
    .filter((path) => !/[A-Z]{3}/.test(path) && !existsSync(path))
    .map((path) => `there is no ${path}`)
}

const checks: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  kubectl: kubectlProblems,
  npm: npmProblems,
  node: ownProblems,
  helm: helmProblems,
  docker: dockerProblems,
}

function problemsOf(words: readonly string[]): readonly string[] {
  const check = checks[words[0] ?? '']
  return [...(check?.(words) ?? []), ...pathProblems(words)]
}

/** What stands between backticks in the text of a page. */
function inlineCodeOf(page: string): readonly string[] {
  return codeIn(readFileSync(page, 'utf8').replaceAll(/^( *)```[\s\S]*?^\1```/gm, ''))
}

describe('the commands of the documents', () => {
  const byBlock = Map.groupBy(commands, ({ block }) => titleOf(block))

  it('are found', () => {
    const first = commands.map(({ words: [word = ''] }) => word)
    expect(first.filter((word) => word === 'kubectl').length).toBeGreaterThan(60)
    expect(first.filter((word) => word === 'npm').length).toBeGreaterThan(5)
    expect(first.filter((word) => word === 'helm').length).toBeGreaterThan(3)
  })

  test.each([...byBlock])('of %s name what exists', (_, found) => {
    expect(found.flatMap(({ words }) => problemsOf(words).map((problem) => `${words.join(' ')}: ${problem}`))).toEqual(
      [],
    )
  })

  test.each(pages)('of the text of %s name what exists', (page) => {
    const typed = inlineCodeOf(page).filter((code) => /^(kubectl|helm|npm|node|docker) \S/.test(code))
    const problems = typed.flatMap((code) => commandsIn(code).flatMap(problemsOf))
    // A text may speak of `kubectl get` without saying of what.
    expect(problems.filter((problem) => !problem.endsWith(' '))).toEqual([])
  })

  test.each(pages)('%s names options in its text that exist', (page) => {
    const flags = inlineCodeOf(page)
      .filter((code) => /^--[a-z]/.test(code))
      .map((code) => /^--[a-z-]+/.exec(code)?.[0] ?? '')
    const unknown = flags.filter((flag) => !ownOptions.has(flag) && !optionsOfOthers.has(flag))
    expect(unknown, 'no option of ours; one of another program goes into optionsOfOthers').toEqual([])
  })
})

describe('a command that is wrong is found', () => {
  test.each([
    ['kubectl get oacs', 'there is no kind oacs'],
    [
      'kubectl -n ci get oac x -o jsonpath={.status.accessTokenExpiry}',
      'OAuthCredential has no status.accessTokenExpiry',
    ],
    [`kubectl patch oac x --type=merge -p '{"spec":{"suspended":true}}'`, 'OAuthCredential has no spec.suspended'],
    ['kubectl explain tokenstore.spec.vaults', 'TokenStore has no spec.vaults'],
    ['kubectl get oac --field-selector spec.grant=x', 'OAuthCredential cannot be selected by .spec.grant'],
    ['kubectl wait --for=condition=Readdy oac/x', 'OAuthCredential has no condition Readdy'],
    ['kubectl annotate oac x oauth-operator.dev/refresh-now=1', 'oauth-operator.dev/refresh-now'],
    ['npm run tests', 'package.json has no script tests'],
    ['npm run controller -- --name-space x', 'controller has no option --name-space'],
    ['npm run bench -- --fast', 'test/bench/bench.ts has no option --fast'],
    ['node src/main/main.ts stand --output x', 'there is no command stand'],
    ['helm install x deploy/helm/oauth-credential-operator --set replica=1', 'the chart has no value replica'],
    ['docker build --build-arg VERSON=1 .', 'the Dockerfile has no argument VERSON'],
    ['docker push x.example.com/oauth-credential-operator:0.0.9', 'the chart takes the image 0.1.0, not 0.0.9'],
    ['kubectl apply -f deploy/crd', 'there is no deploy/crd'],
  ])('%s', (script, problem) => {
    expect(commandsIn(script).flatMap(problemsOf)).toEqual([problem])
  })

  it('also inside of another, behind a comment, and over two lines', () => {
    const script = `a "$(kubectl get x)" | b # kubectl get c\nA=$(kubectl get y) <<'EOF'\nkubectl get z\nEOF\nkubectl \\\n  get w >f\n`
    expect(commandsIn(script)).toEqual([
      ['a', '$(kubectl get x)'],
      ['kubectl', 'get', 'x'],
      ['b'],
      ['kubectl', 'get', 'y'],
      ['kubectl', 'get', 'w'],
    ])
  })
})
