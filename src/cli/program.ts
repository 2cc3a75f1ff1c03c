import { Command, Help, type Option } from 'commander'
import { addCheckCommand, type CheckFlags } from './check-command.ts'
import { addControllerCommand, type ControllerFlags } from './controller-command.ts'
import { addStandaloneCommand, type StandaloneFlags } from './standalone-command.ts'
import { addStatusCommand, type StatusFlags } from './status-command.ts'

/** What each command does; given by the composition root. */
export interface CommandHandlers {
  readonly controller: (flags: ControllerFlags) => Promise<void>
  readonly standalone: (flags: StandaloneFlags) => Promise<void>
  readonly status: (flags: StatusFlags) => Promise<void>
  readonly check: (flags: CheckFlags) => Promise<void>
}

/** How every command ends. {@link exitCodeOf} says what wrong arguments do. */
const exitCodes = `
Exit codes: 0 a clean end; 1 it cannot begin, and the last line says why (check:
not ready; status: nothing is there); 2 wrong arguments; 70 a bug; 130 ended at
a second Ctrl-C.`

/** Descriptions are wrapped beside the longest flag too, on a terminal of 80 columns. */
const minWidthToWrap = 30

/** The command line. Wrong arguments end with a message that names the flag. */
export function program(version: string, handlers: CommandHandlers): Command {
  const command = new Command('oauth-credential-operator')
    .description('Keeps OAuth 2.0 access tokens fresh, and never loses a rotated refresh token.')
    .version(version)
    // Not the whole help: the message would be out of sight above it.
    .showHelpAfterError('Add --help to see what it takes.')
    .configureHelp({ minWidthToWrap, optionDescription })
    .addHelpText('afterAll', exitCodes)
  addControllerCommand(command, handlers.controller)
  addStandaloneCommand(command, handlers.standalone)
  addStatusCommand(command, handlers.status)
  addCheckCommand(command, handlers.check)
  return command
}

/** The exit code for one of commander's, which does not tell wrong arguments from what a command finds. */
export function exitCodeOf(commanderCode: number): number {
  return commanderCode === 0 ? 0 : 2
}

/** That a switch is on when nothing follows it goes without saying. */
function optionDescription(option: Option): string {
  return new Help().optionDescription(option).replace('preset: "true", ', '')
}
