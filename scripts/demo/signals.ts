/** npm hands on a signal that the terminal has sent to all processes already, so one Ctrl-C arrives twice. */
const sameSignalMs = 500

/** Resolves at the first signal to end, or when nobody reads the output any more; calls `hurry` at a second signal. */
export function endAsked(hurry: () => void): Promise<'asked'> {
  return new Promise((resolve) => {
    let firstMs: number | undefined
    const take = (): void => {
      if (firstMs !== undefined && performance.now() - firstMs > sameSignalMs) hurry()
      firstMs ??= performance.now()
      resolve('asked')
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, take)
    process.stdout.on('error', () => resolve('asked'))
  })
}
