/** The service as its own process, as an operator starts it: it can be killed and started again on the same data. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

export type Place = { host?: string, within?: readonly string[] }

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Served = {
  url: string
  dataFolder: string
  /** Resolves when it answers. */
  start(): Promise<void>
  /** SIGKILL, and gone. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Everything it printed so far. */
  output(): string
  pid(): number | undefined
  call<T>(method: string, path: string, body?: unknown): Promise<T>
}

/**
 * @param env  settings over those that name the folder, the port and the addresses
 * @param host  address on which it is reached; `within` is a command that is given the service's own, to run it elsewhere
 */
export async function served(dataFolder: string, env: Record<string, string> = {}, { host = '127.0.0.1', within = [] }: Place = {}): Promise<Served> {
  const port = await freePort()
  const url = `http://${host}:${port}`
  let child: ChildProcess | undefined
  let output = ''
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    url, dataFolder,
    async start() {
      const { NODE_OPTIONS: _, ...inherited } = process.env
      const [program, ...args] = [...within, process.execPath, main]
      const started = spawn(program!, args, {
        env: { ...inherited, LATCHKEY_DATA: dataFolder, LATCHKEY_LISTEN: `${host}:${port}`, LATCHKEY_URL: url, LATCHKEY_PKI_URL: url, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      for (const stream of [started.stdout, started.stderr]) stream.on('data', chunk => { output += chunk })
      const exited = once(started, 'exit').then(() => { throw new Error(`the service ended at start:\n${output.slice(-4000)}`) })
      exited.catch(() => {})
      await Promise.race([answering(url), exited])
    },
    kill: async () => await end('SIGKILL'),
    stop: async () => await end('SIGTERM'),
    output: () => output,
    pid: () => child?.pid,
    call: async <T>(method: string, path: string, body?: unknown) => await callSocket<T>(join(dataFolder, 'latchkey.sock'), method, path, body),
  }
}

async function answering(url: string): Promise<void> {
  for (;;) {
    try {
      if ((await fetch(`${url}/readyz`)).ok) return
    } catch { /* not yet */ }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Asks the API over the local socket, as a command on this machine does. */
export async function callSocket<T>(socketPath: string, method: string, path: string, body?: unknown): Promise<T> {
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath, method, path: `/api/v1${path}`, headers: body === undefined ? {} : { 'content-type': 'application/json' } }, response => {
      let received = ''
      response.setEncoding('utf8').on('data', chunk => { received += chunk }).on('error', reject).on('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve(received)
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${received}`))
      })
    })
    asked.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
  return JSON.parse(text === '' ? 'null' : text) as T
}
