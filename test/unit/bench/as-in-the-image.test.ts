import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { imageEnvironment, nodeFlags } from '../../bench/controller-process.ts'

const dockerfile = readFileSync('Dockerfile', 'utf8')

describe('the controller of the benchmark', () => {
  it('runs with the flags of the image', () => {
    const entrypoint = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]'
    expect(JSON.parse(entrypoint)).toEqual(['/nodejs/bin/node', ...nodeFlags, '/app/main.js'])
  })

  it('has the environment of the image', () => {
    const set = [...dockerfile.matchAll(/^ENV (.*)$/gm)].flatMap(([, pairs = '']) => pairs.split(' '))
    expect(Object.fromEntries(set.map((pair) => pair.split('=', 2)))).toEqual(imageEnvironment)
  })
})
