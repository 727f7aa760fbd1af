/** A program that runs until it is ended, whether for a test or for a measurement. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accepts } from './nginx.ts'

export type Background = { readonly port: number, output(): string, end(): Promise<void> }

/** Resolves when it listens. @throws with what it printed, when it ends instead */
export async function background(program: string, args: readonly string[], port: number): Promise<Background> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { printed = (printed + chunk.toString()).slice(-100_000) })
  const ended = once(child, 'exit')
  let over = false
  ended.then(() => { over = true }, () => { over = true })
  while (!await accepts(port)) {
    if (over) throw new Error(`${program} has ended: ${printed}`)
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
  return { port, output: () => printed, end: async () => { if (!over) { child.kill('SIGTERM'); await ended } } }
}
