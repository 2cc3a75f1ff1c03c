import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { healthReport } from '../../../src/adapters/system/health-check.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const mainFile = fileURLToPath(new URL('../../../src/main/main.ts', import.meta.url))

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`
}

async function check(...flags: readonly string[]): Promise<{ code: number | null; said: string; complained: string }> {
  const child = spawn(process.execPath, [mainFile, 'check', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  observeOutput('check', said + complained)
  return { code: child.exitCode, said, complained }
}

describe('check', () => {
  test('says that an operator is ready', async () => {
    const url = await serve((_, response) => response.end(healthReport([]).text))
    expect(await check(`--url=${url}`)).toEqual({ code: 0, said: `${url}: ready\n`, complained: '' })
  })

  test('names what is not well', async () => {
    const checks = [
      { name: 'caches', problem: () => 'not every kind has been listed yet' },
      { name: 'cluster', problem: () => undefined },
    ]
    const url = await serve((_, response) => response.writeHead(503).end(healthReport(checks).text))
    const said = `${url}: not ready: caches: not every kind has been listed yet\n`
    expect(await check(`--url=${url}`)).toEqual({ code: 1, said, complained: '' })
  })

  test('repeats nothing of what somebody else answers', async () => {
    const url = await serve((_, response) => response.writeHead(404).end(`[-] \x1b[2J${canary('at')}`))
    expect(await check(`--url=${url}`)).toEqual({ code: 1, said: `${url}: status 404\n`, complained: '' })
  })

  test('says that nobody answers', async () => {
    const url = await serve((request) => request.socket.destroy())
    expect(await check(`--url=${url}`)).toMatchObject({ code: 1, said: `${url}: no answer (ECONNRESET)\n` })
  })

  test('keeps asking as long as it is told to', async () => {
    let asked = 0
    const url = await serve((_, response) => response.writeHead((asked += 1) < 3 ? 503 : 200).end())
    expect(await check(`--url=${url}`, '--wait=30')).toMatchObject({ code: 0, said: `${url}: ready\n` })
    expect(asked).toBe(3)
  })

  test.each(['--url=ftp://localhost', '--url=localhost', '--url=http://a:b@localhost', '--wait=-1', '--wait=1h'])(
    'refuses %s',
    async (flag) => {
      const { code, said, complained } = await check(flag)
      expect({ code, said }).toEqual({ code: 2, said: '' })
      expect(complained).toContain('Expected')
    },
  )
})
