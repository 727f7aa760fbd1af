/** A process of its own that, when told on its input, tries to take the lock of a folder; says how it went and stays. */
import { once } from 'node:events'
import { CaError } from '../../src/errors.ts'
import { lockFolder } from '../../src/store/folder-lock.ts'

process.stdout.write('ready\n')
await once(process.stdin, 'data')
try {
  await lockFolder(process.argv[2]!)
  process.stdout.write('locked\n')
} catch (error) {
  process.stdout.write(`${error instanceof CaError ? error.code : String(error)}\n`)
}
process.stdin.resume()
