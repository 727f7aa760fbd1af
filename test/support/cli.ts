/** Commands against a service that listens on a Unix socket, as on an operator's machine. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { run } from '../../src/cli/program.ts'
import { localApi } from '../../src/protocols/api/local.ts'
import type { TestService } from './service.ts'
import { temporaryFolder } from './temporary.ts'

export type Outcome = { exitCode: number, out: string, err: string, json: any }
export type Cli = { readonly dataFolder: string, (...args: string[]): Promise<Outcome> }

/** Runs a command in this process; `json` is what it printed, where that is JSON. */
export async function runCommand(env: Record<string, string>, args: readonly string[], options: { isTTY?: boolean, now?: () => Date } = {}): Promise<Outcome> {
  let out = ''
  let err = ''
  const exitCode = await run(args, {
    env, now: options.now ?? (() => new Date()), exitCode: 0,
    stdout: { write: text => { out += text }, isTTY: options.isTTY ?? false }, stderr: { write: text => { err += text } },
  })
  return { exitCode, out, err, json: parsed(out) ?? parsed(err) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function openCli(t: ExecutionContext<any>, service: TestService): Promise<Cli> {
  const dataFolder = await temporaryFolder(t)
  const server = createServer(localApi(service))
  await new Promise<void>(resolve => { server.listen(join(dataFolder, 'latchkey.sock'), resolve) })
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  const cli = async (...args: string[]): Promise<Outcome> => await runCommand({ LATCHKEY_DATA: dataFolder }, args)
  return Object.assign(cli, { dataFolder })
}
