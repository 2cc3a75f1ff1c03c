import { Command } from 'commander'
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

/** The command line. Wrong arguments end with a message that names the flag, and exit code 1. */
export function program(version: string, handlers: CommandHandlers): Command {
  const command = new Command('oauth-credential-operator')
    .description('Keeps OAuth 2.0 access tokens fresh, and never loses a rotated refresh token.')
    .version(version)
    .showHelpAfterError()
  addControllerCommand(command, handlers.controller)
  addStandaloneCommand(command, handlers.standalone)
  addStatusCommand(command, handlers.status)
  addCheckCommand(command, handlers.check)
  return command
}
