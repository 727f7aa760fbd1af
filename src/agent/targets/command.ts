import { execFile } from 'node:child_process'
import { CaError } from '../../errors.ts'
import type { JsonObject } from '../json.ts'

const commandMs = 30_000

/** A program and its arguments: never a line for a shell. @throws {CaError} malformed-request */
export function reloadCommand(target: JsonObject): string[] {
  const words = target['reload']
  if (!Array.isArray(words) || words.length === 0 || !words.every(word => typeof word === 'string' && word !== '')) {
    throw new CaError('malformed-request', 'reload is not a program and its arguments')
  }
  return words as string[]
}

/** Runs it to its end. @throws with what it said, when it failed */
export async function runCommand([program, ...args]: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program!, args, { timeout: commandMs, windowsHide: true }, (error, _stdout, stderr) => {
      if (error === null) resolve()
      else reject(new Error(`${program} failed: ${(stderr || error.message).trim().slice(0, 300)}`))
    })
  })
}
