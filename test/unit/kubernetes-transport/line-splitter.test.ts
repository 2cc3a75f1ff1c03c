import { expect, test } from 'vitest'
import { LineSplitter } from '../../../src/adapters/kubernetes/line-splitter.ts'

const text = '{"name":"größe"}\n\n{"name":"日本"}\n{"name":"🔑"}\nunfinished'
const lines = ['{"name":"größe"}', '{"name":"日本"}', '{"name":"🔑"}']

test.each([1, 2, 3, 5, 7, 1000])('lines are the same in chunks of %i bytes', (size) => {
  const bytes = Buffer.from(text)
  const seen: string[] = []
  const splitter = new LineSplitter((line) => seen.push(line))
  for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size))
  expect(seen).toEqual(lines)
})
