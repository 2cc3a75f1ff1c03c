import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a script makes of a request instead of the server's own answer. */
export type AwsFault =
  | { readonly error: string; readonly status?: number; readonly date?: Date }
  /** An answer that is not of the API. */
  | { readonly status: number; readonly body: string }
  /** Closes the connection unanswered; `carryOut` says whether the request was carried out before. */
  | { readonly break: true; readonly carryOut: boolean }
  /** Carries the request out and answers with a server error. */
  | { readonly carryOutAndFail: true }
  | 'hang'

export interface SeenAwsRequest {
  readonly action: string
  readonly input: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface Version {
  readonly id: string
  readonly text: string | undefined
  readonly stages: Set<string>
}

interface Secret {
  readonly arn: string
  readonly versions: Version[]
  scheduledForDeletion: boolean
  /** What a description tells beside labels and deletion. */
  readonly settings: Record<string, unknown>
}

class ApiError extends Error {
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

/**
 * AWS Secrets Manager as its API reference describes it, on loopback: client request tokens, staging
 * labels, and versions that never change. Signatures are not verified, access key ids are.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export class FakeSecretsManager {
  readonly requests: SeenAwsRequest[] = []
  /** Undefined: any. */
  acceptedAccessKeyId: string | undefined
  forbidden = false
  readonly forbiddenActions = new Set<string>()
  down = false
  mostVersions = 100
  readonly #secrets = new Map<string, Secret>()
  readonly #faults: { readonly action: string; readonly fault: AwsFault; left: number }[] = []
  #interlude: { readonly action: string; readonly run: () => void } | undefined
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))

  async start(): Promise<this> {
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Meets the next `times` requests of an action with a fault. */
  fault(action: string, fault: AwsFault, times = 1): void {
    this.#faults.push({ action, fault, left: times })
  }

  /** Runs when the next request of this action has arrived, before it is carried out. */
  beforeNext(action: string, run: () => void): void {
    this.#interlude = { action, run }
  }

  /** Puts a version as the console does; undefined: a binary one. */
  put(name: string, text: string | undefined): string {
    const secret = this.#secrets.get(name) ?? newSecret(name)
    this.#secrets.set(name, secret)
    const version = { id: randomUUID(), text, stages: new Set<string>() }
    secret.versions.push(version)
    attach(secret, version, 'AWSCURRENT')
    return version.id
  }

  get(name: string, stage = 'AWSCURRENT'): string {
    return this.#stage(name, stage)?.text ?? ''
  }

  idOf(name: string, stage: string): string | undefined {
    return this.#stage(name, stage)?.id
  }

  versions(name: string): number {
    return this.#secrets.get(name)?.versions.length ?? 0
  }

  /** Puts AWSCURRENT where somebody wants it. */
  makeCurrent(name: string, id: string): void {
    const secret = this.#secret(name)
    attach(secret, versionOf(secret, id), 'AWSCURRENT')
  }

  /** Settings as a description tells them: `RotationEnabled`, `PrimaryRegion`. */
  configure(name: string, settings: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#secret(name).settings, settings)
  }

  /** Ids and labels of all versions. */
  labels(name: string): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#secret(name).versions.map(({ id, stages }) => [id, [...stages].toSorted()]))
  }

  scheduleDeletion(name: string): void {
    this.#secret(name).scheduledForDeletion = true
  }

  remove(name: string): void {
    this.#secrets.delete(name)
  }

  #stage(name: string, stage: string): Version | undefined {
    return this.#secrets.get(name)?.versions.find(({ stages }) => stages.has(stage))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const action = String(request.headers['x-amz-target']).replace('secretsmanager.', '')
    const input = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const seen = { action, input, headers: request.headers }
    this.requests.push(seen)
    this.#runInterlude(action)
    if (this.down) return void request.socket.destroy()
    this.#meet(seen, this.#nextFault(action), response)
  }

  #runInterlude(action: string): void {
    const interlude = this.#interlude
    if (interlude?.action !== action) return
    this.#interlude = undefined
    interlude.run()
  }

  #nextFault(action: string): AwsFault | undefined {
    const entry = this.#faults.find((candidate) => candidate.left > 0 && candidate.action === action)
    if (entry !== undefined) entry.left -= 1
    return entry?.fault
  }

  #meet(seen: SeenAwsRequest, fault: AwsFault | undefined, response: ServerResponse): void {
    if (fault === 'hang') return
    if (fault === undefined) return this.#answer(seen, response)
    if ('body' in fault) return send(response, fault.status, fault.body)
    if ('error' in fault) return refuse(response, fault)
    if ('carryOutAndFail' in fault) {
      this.#carryOut(seen)
      return send(response, 500, JSON.stringify({ __type: 'InternalServiceError', Message: 'no message' }))
    }
    if (fault.carryOut) this.#carryOut(seen)
    response.socket?.destroy()
  }

  #answer(seen: SeenAwsRequest, response: ServerResponse): void {
    try {
      send(response, 200, JSON.stringify(this.#carryOut(seen)))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      send(response, 400, JSON.stringify({ __type: error.type, Message: error.message }))
    }
  }

  #carryOut(request: SeenAwsRequest): unknown {
    this.#authorize(request)
    const { action, input } = request
    const secret = this.#secret(text(input, 'SecretId') ?? '')
    if (action === 'DescribeSecret') return describeSecret(secret)
    if (secret.scheduledForDeletion) {
      const what = "You can't perform this operation on the secret because it was marked for deletion."
      throw new ApiError('InvalidRequestException', what)
    }
    if (action === 'GetSecretValue') return getSecretValue(secret, input)
    if (action === 'PutSecretValue') return putSecretValue(secret, input, this.mostVersions)
    if (action === 'UpdateSecretVersionStage') return updateSecretVersionStage(secret, input)
    throw new ApiError('UnknownOperationException', 'no such action')
  }

  #authorize({ action, headers }: SeenAwsRequest): void {
    const accessKeyId = /Credential=([^/]+)\//.exec(headers['authorization'] as string)?.[1]
    if (this.acceptedAccessKeyId !== undefined && accessKeyId !== this.acceptedAccessKeyId) {
      throw new ApiError('UnrecognizedClientException', 'The security token included in the request is invalid.')
    }
    if (this.forbidden || this.forbiddenActions.has(action)) {
      throw new ApiError('AccessDeniedException', 'User is not authorized to perform this')
    }
  }

  #secret(idOrArn: string): Secret {
    const secret = this.#secrets.get(idOrArn) ?? [...this.#secrets.values()].find(({ arn }) => arn === idOrArn)
    if (secret !== undefined) return secret
    throw new ApiError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  }
}

function newSecret(name: string): Secret {
  const arn = `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}`
  return { arn, versions: [], scheduledForDeletion: false, settings: {} }
}

type Input = Readonly<Record<string, unknown>>

function getSecretValue(secret: Secret, input: Input): unknown {
  const [id, stage] = [text(input, 'VersionId'), text(input, 'VersionStage')]
  const asked = stage ?? (id === undefined ? 'AWSCURRENT' : undefined)
  const version = secret.versions.find(
    (candidate) => (id === undefined || candidate.id === id) && (asked === undefined || candidate.stages.has(asked)),
  )
  if (version === undefined) {
    const what = `Secrets Manager can't find the specified secret value for ${id ?? `staging label: ${asked}`}`
    throw new ApiError('ResourceNotFoundException', what)
  }
  const value = version.text === undefined ? { SecretBinary: 'AAAA' } : { SecretString: version.text }
  return { ARN: secret.arn, Name: 'secret', VersionId: version.id, VersionStages: [...version.stages], ...value }
}

/** Of versions without a label it says nothing. A secret that is to be deleted is described like any other. */
function describeSecret({ arn, versions, scheduledForDeletion, settings }: Secret): unknown {
  const labelled = versions.filter(({ stages }) => stages.size > 0)
  return {
    ARN: arn,
    Name: 'secret',
    VersionIdsToStages: Object.fromEntries(labelled.map(({ id, stages }) => [id, [...stages]])),
    ...(scheduledForDeletion ? { DeletedDate: 1_795_176_000 } : {}),
    ...settings,
  }
}

/** Under an id that is taken the same text does nothing and another one fails. */
function putSecretValue(secret: Secret, input: Input, mostVersions: number): unknown {
  const id = text(input, 'ClientRequestToken') ?? randomUUID()
  if (id.length < 32 || id.length > 64) throw new ApiError('InvalidParameterException', 'ClientRequestToken length')
  const known = secret.versions.find((version) => version.id === id)
  if (known !== undefined && known.text !== input['SecretString']) {
    throw new ApiError('ResourceExistsException', 'The ClientRequestToken is in use.')
  }
  const version = known ?? addVersion(secret, id, input, mostVersions)
  return { ARN: secret.arn, VersionId: id, VersionStages: [...version.stages] }
}

function addVersion(secret: Secret, id: string, input: Input, mostVersions: number): Version {
  if (secret.versions.length >= mostVersions) throw new ApiError('LimitExceededException', 'too many versions')
  const version = { id, text: text(input, 'SecretString'), stages: new Set<string>() }
  secret.versions.push(version)
  for (const stage of (input['VersionStages'] as string[] | undefined) ?? ['AWSCURRENT']) attach(secret, version, stage)
  return version
}

/** Takes a label only from where the request says that it is. */
function updateSecretVersionStage(secret: Secret, input: Input): unknown {
  const stage = text(input, 'VersionStage') ?? ''
  const [to, from] = [text(input, 'MoveToVersionId'), text(input, 'RemoveFromVersionId')]
  const holder = secret.versions.find(({ stages }) => stages.has(stage))
  if (holder?.id !== from) {
    const what = `The parameter RemoveFromVersionId can't be used. Staging label ${stage} is currently attached to version ${holder?.id}`
    throw new ApiError('InvalidParameterException', what)
  }
  if (to === undefined) holder?.stages.delete(stage)
  else attach(secret, versionOf(secret, to), stage)
  return { ARN: secret.arn }
}

/** A label is on one version; where AWSCURRENT leaves, AWSPREVIOUS comes. */
function attach(secret: Secret, version: Version, stage: string): void {
  const holder = secret.versions.find(({ stages }) => stages.has(stage))
  if (holder === version) return
  holder?.stages.delete(stage)
  version.stages.add(stage)
  if (stage === 'AWSCURRENT' && holder !== undefined) attach(secret, holder, 'AWSPREVIOUS')
}

function versionOf(secret: Secret, id: string): Version {
  const version = secret.versions.find((candidate) => candidate.id === id)
  if (version !== undefined) return version
  throw new ApiError('ResourceNotFoundException', "Secrets Manager can't find the specified version.")
}

function text(input: Input, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' ? value : undefined
}

function refuse(response: ServerResponse, { error, status = 400, date }: Extract<AwsFault, { error: string }>): void {
  if (date !== undefined) response.setHeader('date', date.toUTCString())
  send(response, status, JSON.stringify({ __type: error, Message: 'no message' }))
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
}
