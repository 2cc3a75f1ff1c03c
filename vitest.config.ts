import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const canary = ['./test/support/canary-setup.ts']
/** Tests start the program dozens of times from its sources, each time hundreds of files of TypeScript. */
const compileCache = join(import.meta.dirname, 'node_modules/.cache/compile')

/**
 * What turns the clock, or watches or fills its whole process. All other files share processes, for most of them are
 * done sooner than a process has loaded the program.
 */
const alone = [
  'test/{simulation,standalone}/**/*.test.ts',
  'test/unit/bundle/*.test.ts',
  'test/unit/bench/{protocol-cost,refresh-watch}.test.ts',
  'test/unit/files/{directory-sink,file-store,manifest-source,previous-token,status-file,target-leftovers}.test.ts',
  'test/unit/files/*process*.test.ts',
  'test/unit/main/{cannot-begin,check,process-end,trace-environment,tracing}.test.ts',
  'test/unit/system/system-clock.test.ts',
]
const fast = { setupFiles: canary, testTimeout: 20_000, env: { NODE_COMPILE_CACHE: compileCache } }

export default defineConfig({
  test: {
    // Some wait for time to pass, or for other processes: with one more than there are cores, no core waits with them.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          ...fast,
          name: 'fast-in-shared-processes',
          include: ['test/{unit,contract,app,model}/**/*.test.ts'],
          exclude: alone,
          // Nobody finds the spies and the environment of another test.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
        },
      },
      {
        test: {
          ...fast,
          name: 'fast',
          include: alone,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/servers/**/*.test.ts'],
          setupFiles: canary,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'kubelet',
          include: ['test/kubelet/**/*.test.ts'],
          setupFiles: canary,
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'readers',
          include: ['test/readers/**/*.test.ts'],
          setupFiles: canary,
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'image',
          include: ['test/image/**/*.test.ts'],
          setupFiles: canary,
          testTimeout: 300_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
