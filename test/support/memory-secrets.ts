import { failure } from '../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { SecretReader } from '../../src/ports/secret-reader.ts'

/** Secrets in memory: `<namespace>/<name>/<key>`, of cluster-scoped kinds `operator/<name>/<key>`. */
export class MemorySecrets implements SecretReader {
  readonly values = new Map<string, string>()
  readonly forgotten: string[] = []

  read(namespace: string | undefined, { name, key }: { name: string; key: string }): Promise<Result<Sensitive>> {
    const place = `${namespace ?? 'operator'}/${name}/${key}`
    const value = this.values.get(place)
    if (value !== undefined) return Promise.resolve(ok(new Sensitive(value)))
    return Promise.resolve(failed(failure('CLIENT_SECRET_UNAVAILABLE', `There is no Secret ${place}.`)))
  }

  forget(namespace: string | undefined, name: string): void {
    this.forgotten.push(`${namespace ?? 'operator'}/${name}`)
  }
}
