import { exitCodeOf, program } from '../cli/program.ts'
import { endSignal } from './process-end.ts'
import { build } from './version.ts'

// The modes are loaded when they are asked for: a controller has no use for the files of standalone mode, nor the other way round.
const root = program(build.version, {
  controller: async (flags) => {
    void endSignal()
    await (await import('./controller.ts')).controller(flags)
  },
  standalone: async (flags) => {
    void endSignal()
    await (await import('./standalone.ts')).standalone(flags)
  },
  status: async (flags) => (await import('./status.ts')).status(flags),
  check: async (flags) => (await import('./check.ts')).check(flags),
})
for (const command of [root, ...root.commands])
  command.exitOverride(({ exitCode }) => process.exit(exitCodeOf(exitCode)))
await root.parseAsync(process.argv)
