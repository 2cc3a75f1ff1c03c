import type { BundledPackage } from './bundled-packages.ts'

/**
 * The notices that the licenses of bundled packages ask for: name, version, license and text of every package.
 * Packages with the same text share it.
 */
export function thirdPartyNotices(packages: readonly BundledPackage[]): string {
  const byText = Map.groupBy(packages, ({ text }) => text)
  const sections = [...byText].map(([text, members]) => sectionText(text, members))
  return ['This program contains code of the packages below, under the licenses that follow them.', ...sections].join(
    `\n\n${'-'.repeat(80)}\n\n`,
  )
}

function sectionText(text: string, members: readonly BundledPackage[]): string {
  const names = members.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')
  return `${names}\n\n${text === '' ? 'The text of the Apache License 2.0 is in the file LICENSE.' : text}`
}
