import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** An empty folder of the test's own, gone when the test ends. */
export async function temporaryFolder(t: ExecutionContext<any>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
