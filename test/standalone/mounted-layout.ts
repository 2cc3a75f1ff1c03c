import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/** A target directory looks to its reader like a Secret that kubelet has mounted, and to nobody else. */
export function expectMountedLayout(target: string, keys: readonly string[]): void {
  const visible = readdirSync(target).filter((name) => !name.startsWith('..'))
  expect(visible.toSorted()).toEqual(keys.toSorted())
  expect(readlinkSync(join(target, '..data'))).toMatch(/^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.[0-9a-f]+$/)
  expect(modeOf(target)).toBe(0o700)
  expect(modeOf(realpathSync(join(target, '..data')))).toBe(0o700)
  for (const key of keys) {
    const path = join(target, key)
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(readlinkSync(path)).toBe(`..data/${key}`)
    expect(modeOf(path)).toBe(0o600)
  }
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777
}
