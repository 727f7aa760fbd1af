import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

export type Outcome = { readonly status: number | null, readonly stdout: Buffer, readonly text: string }

/** Runs a program to its end. `text` is what it printed, both streams together; a status other than 0 is no error. */
export function run(program: string, args: readonly string[], input: Uint8Array | string = ''): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' })
    const stdout: Buffer[] = []
    const all: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => { stdout.push(chunk); all.push(chunk) })
    child.stderr.on('data', (chunk: Buffer) => { all.push(chunk) })
    child.on('error', reject)
    child.on('close', status => { resolve({ status, stdout: Buffer.concat(stdout), text: Buffer.concat(all).toString() }) })
    child.stdin.on('error', () => {}) // the program may not want to read it all
    child.stdin.end(input)
  })
}

/** A folder of the test's own, gone afterwards: writes a file and answers its path. */
export function scratchFolder(t: ExecutionContext): (name: string, content?: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  return (name, content) => {
    const path = join(folder, name)
    if (content !== undefined) writeFileSync(path, content)
    return path
  }
}
