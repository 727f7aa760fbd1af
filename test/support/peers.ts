/** Programs that are not ours, used to check what we make. */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ExecutionContext } from 'ava'

// Daemons and helpers that a person's PATH does not have.
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/lib/postgresql/15/bin']

const found = new Map<string, string | undefined>()

/**
 * Finds a program, or a Python module (`python3:asn1crypto`). Where it is missing the test passes, with the
 * reason printed, and must return at once; with LATCHKEY_REQUIRE_PEERS=1 it fails.
 *
 * ```ts
 * const openssl = peer(t, 'openssl')
 * if (openssl === undefined) return
 * ```
 * @returns absolute path of the program (of python3 for a module)
 */
export function peer(t: ExecutionContext<any>, program: string): string | undefined {
  const path = findProgram(program)
  if (path !== undefined) return path
  const reason = `${program} is not installed`
  if (process.env['LATCHKEY_REQUIRE_PEERS'] === '1') {
    t.fail(reason)
  } else {
    t.log(`skipped: ${reason}`)
    t.pass()
  }
  return undefined
}

/** The same for whoever has no test to skip. */
export function findProgram(program: string): string | undefined {
  if (!found.has(program)) found.set(program, find(program))
  return found.get(program)
}

function find(program: string): string | undefined {
  const [name, module] = program.split(':') as [string, string | undefined]
  const paths = folders.map(folder => join(folder, name)).filter(isExecutable)
  // Debian's modules belong to Debian's Python, which need not be the first one.
  return module === undefined ? paths[0] : paths.find(path => spawnSync(path, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export type Outcome = { status: number | null, stdout: Buffer, stderr: string }

/** Runs a program to its end. A status other than 0 is an answer, not an error. */
export async function run(program: string, args: readonly string[], options: { input?: string | Buffer, cwd?: string, env?: NodeJS.ProcessEnv } = {}): Promise<Outcome> {
  const { input, ...rest } = options
  const child = spawn(program, args, { ...rest, stdio: 'pipe' })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => {}) // a program that does not read its input closes it
  child.stdin.end(input)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}
