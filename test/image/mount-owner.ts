import { chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Whom the container runs as, and so who has to own what is mounted into it. */
export interface Owner {
  readonly uid: number
  readonly gid: number
  /** Whether it is who the image itself names. */
  readonly default: boolean
}

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]

/** The image's own user, where files can be given to it: by root. Others run the container as themselves. */
export const runsAs: Owner = uid === 0 ? { uid: 65_532, gid: 65_532, default: true } : { uid, gid, default: false }

/** Gives a directory with everything in it to the owner. */
export async function giveTo(owner: Owner, directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true })
  for (const path of [directory, ...entries.map((entry) => join(directory, entry))]) {
    await chown(path, owner.uid, owner.gid)
  }
}
