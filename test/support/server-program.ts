/** A server that is not ours, started and ended by a test, and gone when the test is. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { killFamily } from './kill-family.ts'
import { accepts } from './nginx.ts'
import { until } from './running-agent.ts'

export type ServerProgram = {
  /** Resolves when it listens. @throws with what it said, when it ends instead */
  start(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
  /** Every process of it gone at once. */
  killAll(): Promise<void>
  /** The same, and a new start. */
  crash(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Everything that it and its log have said so far. */
  output(): string
  starts(): number
}

export type ServerProgramOptions = { readonly program: string, readonly args: readonly string[], readonly port: number, readonly log?: string }

export function serverProgram(t: ExecutionContext<any>, { program, args, port, log }: ServerProgramOptions): ServerProgram {
  let child: ChildProcess | undefined
  let [printed, starts] = ['', 0]
  const output = (): string => printed + (log !== undefined && existsSync(log) ? readFileSync(log, 'utf8') : '')
  const start = async (): Promise<void> => {
    starts++
    const started = child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => { printed += chunk.toString() })
    await until(async () => {
      if (started.exitCode !== null || started.signalCode !== null) throw new Error(`${program} has ended: ${output()}`)
      return await accepts(port)
    })
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    // The first process takes those that it started with it.
    child.kill('SIGTERM')
    await ended
  }
  t.teardown(kill)
  return {
    start, kill, restart: async () => { await kill(); await start() },
    killAll: async () => { await killFamily(child) }, crash: async () => { await killFamily(child); await start() },
    signal: name => { child?.kill(name) }, output, starts: () => starts,
  }
}
