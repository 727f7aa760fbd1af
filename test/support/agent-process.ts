/** The agent as its own process, as an administrator starts it: it can be killed and started again on the same folder. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { runCommand } from './cli.ts'
import { until } from './running-agent.ts'
import { temporaryFolder } from './temporary.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export type AgentEvent = { readonly at: Date, readonly event: string, readonly detail: string }

export type AgentProcess = {
  /** What the agent keeps. */
  readonly folder: string
  /** Everything that it logged, oldest first. */
  readonly events: readonly AgentEvent[]
  start(): void
  pid(): number
  /** SIGKILL, and gone. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Resolves when it has written the lists, without which no front end starts. */
  hasLists(): Promise<void>
}

/** Where the two meet. */
export type FrontEndFiles = { readonly files: string, readonly socket: string, readonly reload: readonly string[] }

export type EnrollOptions = {
  readonly url: string
  readonly frontEnd: string
  readonly secret: string
  readonly settings: FrontEndFiles
  readonly probe: string
  readonly folder?: string
}

/** Enrolls by command. It ends with the test. */
export async function enrollAgentProcess(t: ExecutionContext<any>, { url, frontEnd, secret, settings, probe, folder }: EnrollOptions): Promise<AgentProcess> {
  const path = folder ?? join(await temporaryFolder(t), 'agent')
  writeFileSync(join(settings.files, 'secret'), `${secret}\n`)
  const enrolled = await runCommand({}, [
    'agent', 'enroll', '--url', url, '--front-end', frontEnd, '--secret-file', join(settings.files, 'secret'), '--folder', path, '--plain-http',
    '--files', settings.files, '--run', dirname(settings.socket), '--probe', probe, '--reload', ...settings.reload, '--json',
  ])
  if (enrolled.exitCode !== 0) throw new Error(`the agent did not enroll: ${enrolled.err}`)
  return agentProcess(t, path, settings.files)
}

/** @param within  a command that is given the agent's own, to run it elsewhere */
export function agentProcess(t: ExecutionContext<any>, folder: string, files: string, { within = [], env = {} }: { within?: readonly string[], env?: Record<string, string> } = {}): AgentProcess {
  const events: AgentEvent[] = []
  let child: ChildProcess | undefined
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  t.teardown(async () => { await end('SIGTERM') })
  return {
    folder, events,
    start() {
      const { NODE_OPTIONS: _, ...inherited } = process.env
      const [program, ...args] = [...within, process.execPath, main, 'agent', 'run', '--folder', folder, '--json']
      const started = child = spawn(program!, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
      // Not inherited: should it outlive a test that was ended, nobody waits for it.
      started.stderr.pipe(process.stderr, { end: false })
      createInterface(started.stdout).on('line', line => {
        const { at, event, detail } = JSON.parse(line) as { at: string, event: string, detail: string }
        events.push({ at: new Date(at), event, detail })
      })
    },
    pid: () => child?.pid ?? 0,
    kill: async () => { await end('SIGKILL') },
    stop: async () => { await end('SIGTERM') },
    hasLists: async () => {
      await until(() => {
        if (child?.exitCode !== null && child?.exitCode !== undefined) throw new Error('the agent has ended')
        try { return readFileSync(join(files, 'lists.pem')).length > 0 } catch { return false }
      })
    },
  }
}
