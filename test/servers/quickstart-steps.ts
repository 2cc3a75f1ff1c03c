import { observeOutput } from '../support/canary.ts'
import { type ReadmeBlock, readmeBlocks, readmeSection } from '../support/readme.ts'

// The pieces of README's paths, taken out of its text. Each function throws when the page is no longer as the tests
// that follow it expect: a page in another order wants another test.

/** "Five minutes on a cluster, with Vault", in its order. */
export interface VaultSteps {
  readonly kinds: string
  readonly login: string
  readonly manifest: string
  readonly apply: string
  readonly start: string
  readonly look: string
}

export function vaultSteps(): VaultSteps {
  const heading = 'Five minutes on a cluster, with Vault'
  const blocks = blocksOf(heading, ['sh', 'sh', 'yaml', 'sh', 'sh', 'sh'])
  const [kinds = '', login = '', manifest = '', apply = '', start = '', look = ''] = blocks
  return { kinds, login, manifest, apply, start, look }
}

/** "The same with AWS Secrets Manager": what takes the place of step 2, of the store, and of the line that names it. */
export interface AwsSteps {
  readonly login: string
  readonly store: string
  readonly refreshToken: string
}

export function awsSteps(): AwsSteps {
  const heading = 'The same with AWS Secrets Manager'
  const [login = '', store = ''] = blocksOf(heading, ['sh', 'yaml'])
  const [, refreshToken] = /`(refreshToken: \{[^`]*\})`/.exec(readmeSection(heading)) ?? []
  if (refreshToken === undefined) throw new Error(`README has no line for an OAuthCredential below ${heading}`)
  return { login, store, refreshToken }
}

/** "Install it with Helm": the image, the release, and the same without Helm. */
export interface HelmSteps {
  readonly image: string
  readonly install: string
}

export function helmSteps(): HelmSteps {
  const [image = '', install = ''] = blocksOf('Install it with Helm', ['sh', 'sh', 'sh'])
  return { image, install }
}

function blocksOf(heading: string, languages: readonly string[]): readonly string[] {
  const blocks = readmeBlocks(heading)
  const found = blocks.map(({ language }: ReadmeBlock) => language).join(' ')
  if (found !== languages.join(' ')) throw new Error(`below ${heading} README has blocks of ${found}`)
  return blocks.map(({ text }) => text)
}

/** Puts a value in the place of each placeholder. @throws unless each is there once. */
export function replacedOnce(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((whole, [placeholder, value]) => {
    const parts = whole.split(placeholder)
    if (parts.length !== 2) throw new Error(`${placeholder} stands ${parts.length - 1} times in:\n${whole}`)
    return parts.join(value)
  }, text)
}

/** The last command prints the token, as it is asked to, and nothing before it may. */
export function lastLineApart(output: string): { readonly table: string; readonly token: string } {
  const end = output.lastIndexOf('\n') + 1
  return { table: observed(output.slice(0, end)), token: output.slice(end) }
}

export function observed(output: string): string {
  observeOutput('what the commands of README print', output)
  return output
}
