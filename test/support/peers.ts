import { spawnSync } from 'node:child_process'
import type { ExecutionContext } from 'ava'

/** The Python that Debian's modules belong to. */
export const debianPython = '/usr/bin/python3'

// A program is there when this command ends with any status; a Python module when it ends with 0.
const pythonModules: ReadonlyMap<string, string> = new Map([['python3-asn1crypto', 'asn1crypto']])
const folders = (process.env['PATH'] ?? '') + ':/usr/sbin:/sbin:/usr/local/sbin'

const found = new Map<string, boolean>()

/**
 * Whether an independent program is here to check what we made. When it is not, the test says so and is to return:
 * `if (!peer(t, 'openssl')) return`. With LATCHKEY_REQUIRE_PEERS=1 its absence is a failure.
 *
 * @param program a command, or a Debian Python module by its package name (`python3-asn1crypto`)
 */
export function peer(t: ExecutionContext, program: string): boolean {
  const here = found.get(program) ?? isHere(program)
  found.set(program, here)
  if (here) return true
  const reason = `${program} is not installed`
  if (process.env['LATCHKEY_REQUIRE_PEERS'] === '1') t.fail(reason)
  else { t.log(`skipped: ${reason}`); t.pass() }
  return false
}

function isHere(program: string): boolean {
  const module = pythonModules.get(program)
  if (module !== undefined) return spawnSync(debianPython, ['-c', `import ${module}`]).status === 0
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env: { ...process.env, PATH: folders } }).status === 0
}
