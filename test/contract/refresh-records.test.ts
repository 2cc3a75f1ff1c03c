import { ApiHands } from '../support/api-hands.ts'
import { FakeKubeClient } from '../support/fake-kube-client.ts'
import { fileRecords, memoryRecords, secretRecords } from '../support/record-harnesses.ts'
import { recordFaultsContract } from './record-faults.ts'
import { recordSecretsContract } from './record-secrets.ts'
import { refreshRecordsContract, sealedRecordsContract } from './refresh-records.ts'

const hands = () => Promise.resolve(new ApiHands(new FakeKubeClient(), 'operator'))
const secrets = async () => secretRecords(await hands())
const memory = () => Promise.resolve(memoryRecords())

refreshRecordsContract('records in memory', memory)
refreshRecordsContract('records in files', () => Promise.resolve(fileRecords()))
refreshRecordsContract('records in Secrets', secrets)
sealedRecordsContract('records in memory', memory)
sealedRecordsContract('records in Secrets', secrets)
recordSecretsContract('the fake API server', hands)
recordFaultsContract('the fake API server', hands)
