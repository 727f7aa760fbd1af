import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { until } from './running-agent.ts'

/** SIGKILL for a program and the processes that it has started, and all of them gone. */
export async function killFamily(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // Stopped first: what it would still start could not be found any more.
  child.kill('SIGSTOP')
  const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(pid => pid !== '').map(Number)
  const gone = once(child, 'exit')
  for (const pid of [child.pid, ...workers]) {
    try { process.kill(pid, 'SIGKILL') } catch { /* it has ended by itself */ }
  }
  await gone
  await until(() => !workers.some(isRunning))
}

/** One that has ended and that nobody has asked after still has an entry. */
const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
