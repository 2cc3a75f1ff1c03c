import { expect, test } from 'vitest'
import { decodeResource } from '../../../src/api/decode.ts'
import { changed, minimalCredential } from '../../support/manifests.ts'

test('who is told of a token, and how, comes as the manifest says', () => {
  const restart = [
    { kind: 'StatefulSet', name: 'gateway' },
    { kind: 'Deployment', name: 'gateway' },
  ]
  const told = { name: 'a', propagation: 'AnnotatePods', restart, restartInterval: '1m30s' }
  expect(decodeResource(changed(minimalCredential, 'spec.target', told))).toMatchObject({
    type: 'credential',
    credential: { spec: { target: { propagation: 'AnnotatePods', restart, restartIntervalSeconds: 90 } } },
  })
})

test('a manifest that says nothing of readers has nothing of them', () => {
  const decoded = decodeResource(minimalCredential)
  const target = decoded?.type === 'credential' ? decoded.credential.spec.target : {}
  expect(Object.keys(target).filter((name) => /propagation|restart/.test(name))).toEqual([])
})
