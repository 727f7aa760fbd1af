/** What a process uses, as the kernel counts it (proc_pid_stat(5)), and programs that run beside the service. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'

const ticksPerSecond = 100

async function fieldsOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
}

/** Of all threads of a process, user and system. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = await fieldsOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Of a process and all that it started, those that have ended since included. */
export async function cpuSecondsOfFamily(pid: number): Promise<number> {
  let ticks = 0
  for (const each of [pid, ...await childrenOf(pid)]) {
    const fields = await fieldsOf(each).catch(() => []) // it may just have ended
    ticks += [11, 12, ...each === pid ? [13, 14] : []].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0)
  }
  return ticks / ticksPerSecond
}

async function childrenOf(pid: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(all.map(async each => Number((await fieldsOf(each).catch(() => []))[1])))
  return all.filter((_, index) => parents[index] === pid)
}

export async function parentOf(pid: number): Promise<number> {
  return Number((await fieldsOf(pid))[1])
}

async function statusMb(pid: number, name: 'VmRSS' | 'VmHWM'): Promise<number> {
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

export const residentMb = async (pid: number): Promise<number> => await statusMb(pid, 'VmRSS')
/** The most that it ever was. */
export const peakMb = async (pid: number): Promise<number> => await statusMb(pid, 'VmHWM')

export type RunningProgram = { pid: number, output(): string }

/**
 * Starts a program that serves, and waits until it does. It ends with `t`.
 *
 * @param ready  the port on which it listens then, or what it has printed
 */
export async function startProgram(t: ExecutionContext<any>, program: string, args: readonly string[], ready: number | RegExp, longestMs = 60_000): Promise<RunningProgram> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  // Only its beginning is ever looked at; some write a line for every request.
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { if (output.length < 10_000) output += chunk })
  const ended = once(child, 'exit').then(() => { throw new Error(`${program} ended: ${output.slice(0, 2000)}`) })
  ended.catch(() => {})
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  })
  const until = performance.now() + longestMs
  const listening = async (): Promise<void> => {
    while (!(typeof ready === 'number' ? await accepts(ready) : ready.test(output))) {
      if (performance.now() > until) throw new Error(`${program} does not serve: ${output.slice(0, 2000)}`)
      await wait(50)
    }
  }
  await Promise.race([listening(), ended])
  return { pid: child.pid!, output: () => output }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
