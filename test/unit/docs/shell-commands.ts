import { type Block, blocksOf } from './pages.ts'

/** One command of a script: its words, without their quotes. */
export interface ShellCommand {
  readonly block: Block
  readonly words: readonly string[]
}

/** Every command that the documents tell people to type. */
export function documentedCommands(): readonly ShellCommand[] {
  return blocksOf(['sh', 'shell', 'bash']).flatMap((block) => commandsIn(block.text).map((words) => ({ block, words })))
}

/** A word that ends a command, or the beginning or end of one inside of another. */
const separators = new Set(['|', '||', '&&', ';', '\n', '(', ')'])

/**
 * The commands of a script, those in `$(...)` too, each as its words. As much of a shell's grammar as documents need:
 * quotes, comments, continued lines, here documents, redirections.
 */
export function commandsIn(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]]
  for (const token of tokensOf(withoutHereDocuments(script.replaceAll(/\\\n */g, ' ')))) {
    if (separators.has(token)) commands.push([])
    else commands.at(-1)?.push(token)
  }
  return commands.map(withoutAssignments).filter((words) => words.length > 0)
}

function withoutHereDocuments(script: string): string {
  return script.replaceAll(/<<'?([A-Z]+)'?(.*)\n[\s\S]*?\n *\1$/gm, '$2')
}

function withoutAssignments(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
  return first < 0 ? [] : words.slice(first)
}

/** In the order in which they are tried. What stands in quotes is one word, and so is what touches it. */
const token =
  /#[^\n]*|\$\(|&&|\|\||[|;\n()]|\d?>>?&?\s*\S*|<<<|<\s*\S*|(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|\$\{[^}]*\}|(?!\$\()[^\s"'|;&()<>\\])+/g

function tokensOf(script: string): readonly string[] {
  const tokens = [...script.matchAll(token)].map(([text]) => text)
  return tokens.filter((text) => !/^(#|\d?>|<(?!<<))/.test(text)).flatMap(wordOf)
}

/** A word as the command gets it. Commands in double quotes come behind it, as if they were typed next. */
function wordOf(text: string): readonly string[] {
  if (text === '$(') return ['(']
  const inner = [...text.matchAll(/\$\(((?:[^()]|\([^()]*\))*)\)/g)].flatMap(([, script = '']) => [
    '\n',
    ...tokensOf(script),
  ])
  const plain = text.replaceAll(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
    single === undefined ? (double ?? '') : single,
  )
  return [plain, ...inner]
}
