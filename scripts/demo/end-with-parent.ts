import { stdin } from 'node:process'

/**
 * Imported into the process that the demo starts: ends it as a signal would when the demo has gone
 * without a chance to say so, which closes the pipe behind standard input.
 */
stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume()
if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
