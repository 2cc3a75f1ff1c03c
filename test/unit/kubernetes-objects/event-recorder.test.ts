import { describe, expect, test } from 'vitest'
import { KubernetesEventRecorder } from '../../../src/adapters/kubernetes/event-recorder.ts'
import type { CredentialEvent } from '../../../src/ports/event-recorder.ts'
import { FakeKubeClient, refused } from '../../support/fake-kube-client.ts'
import { type Json, jsonAt } from '../../support/fake-managed-fields.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

const event: CredentialEvent = {
  key: { namespace: 'ci', name: 'claude' },
  uid: 'u-1',
  severity: 'Warning',
  reason: 'ReauthorizationRequired',
  message: 'Log in again.',
}

class Bench {
  readonly server = new FakeKubeClient()
  readonly clock = new SimulatedClock()
  readonly log = new LogLines()
  readonly recorder: KubernetesEventRecorder

  constructor(instance = 'operator-0') {
    const rate = { burst: 3, perSecond: 1 }
    this.recorder = new KubernetesEventRecorder({
      client: this.server,
      clock: this.clock,
      logger: this.log,
      instance,
      rate,
    })
  }

  async record(times = 1, message = event.message): Promise<void> {
    for (let n = 0; n < times; n += 1) this.recorder.record({ ...event, message })
    await this.recorder.flush()
  }

  events(): readonly Json[] {
    return this.server.objects('events')
  }

  levels(): readonly unknown[] {
    return this.log.lines.map((line) => (JSON.parse(line) as Json)['level'])
  }
}

describe('an event', () => {
  test('names what happened to which object, and who says so', async () => {
    const b = new Bench('x'.repeat(300))
    await b.record()
    expect(b.events()).toMatchObject([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: 'ci', generateName: 'claude-' },
        eventTime: '2027-01-15T08:00:00.000000Z',
        reportingController: 'oauth-operator.dev/controller',
        reportingInstance: 'x'.repeat(128),
        action: 'Reconcile',
        type: 'Warning',
        reason: 'ReauthorizationRequired',
        note: 'Log in again.',
        regarding: {
          apiVersion: 'oauth-operator.dev/v1alpha1',
          kind: 'OAuthCredential',
          namespace: 'ci',
          name: 'claude',
          uid: 'u-1',
        },
      },
    ])
    expect(b.log.lines).toEqual([])
  })

  const notes: Record<string, [message: string, bytes: number, end: string]> = {
    'that fits stays whole': ['x'.repeat(1024), 1024, 'x'],
    'is cut to 1 KiB': ['x'.repeat(1025), 1024, 'x…'],
    'is not cut inside a character': [`x${'ü'.repeat(1000)}`, 1024, 'ü…'],
    'is not cut inside an emoji': ['🔑'.repeat(300), 1023, '🔑…'],
  }
  test.each(Object.entries(notes))('whose note %s', async (_what, [message, bytes, end]) => {
    const b = new Bench()
    await b.record(1, message)
    const note = String(b.events()[0]?.['note'])
    expect(Buffer.byteLength(note)).toBe(bytes)
    expect(note.endsWith(end)).toBe(true)
    expect(note.isWellFormed()).toBe(true)
  })
})

describe('what is dropped', () => {
  test('is what comes too fast, and time brings room', async () => {
    const b = new Bench()
    await b.record(10)
    expect(b.events()).toHaveLength(3)
    await b.clock.pass(2)
    await b.record(10)
    expect(b.events()).toHaveLength(5)
    await b.clock.pass(3600)
    await b.record(10)
    expect(b.events()).toHaveLength(8)
  })

  test('is told with one warning, and counted when it is over', async () => {
    const b = new Bench()
    b.server.intercept = () => refused(403, 'Forbidden', 'events is forbidden: User "op" cannot create resource')
    await b.record(2)
    expect(b.levels()).toEqual(['warn', 'debug'])
    expect(b.log.lines[0]).toContain('"cause":"Forbidden"')
    expect(b.log.lines[0]).toContain('"event":"ReauthorizationRequired"')
    b.server.intercept = (_request, carryOut) => carryOut()
    await b.record()
    expect(b.log.lines[2]).toContain('"dropped":2')
    await b.clock.pass(10)
    await b.record()
    expect(b.log.lines).toHaveLength(3)
  })

  test('never makes the caller wait', async () => {
    const b = new Bench()
    const held = Promise.withResolvers<undefined>()
    b.server.intercept = async (_request, carryOut) => {
      await held.promise
      return carryOut()
    }
    b.recorder.record(event)
    expect(b.events()).toEqual([])
    held.resolve(undefined)
    await b.recorder.flush()
    expect(jsonAt(b.events()[0] ?? {}, ['regarding'])).toMatchObject({ uid: 'u-1' })
  })
})
