/** Debian's HAProxy with the printed configuration, in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { freePort } from './free-port.ts'
import type { ExecutionContext } from 'ava'
import type { HaproxySettings } from '../../src/agent/targets/haproxy.ts'
import { toPem } from '../../src/formats/pem.ts'
import { haproxyConfiguration } from '../../src/protocols/check/configurations/haproxy.ts'
import type { ConfigurationValues } from '../../src/protocols/check/configurations/values.ts'
import { startBackend, type Backend } from './backend.ts'
import { accepts } from './nginx.ts'
import { killFamily } from './kill-family.ts'
import { until } from './running-agent.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

export type Haproxy = {
  readonly port: number
  readonly folder: string
  readonly settings: HaproxySettings
  readonly values: ConfigurationValues
  readonly backend: Backend
  start(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
  reload(): void
  /** Every process of it gone at once, and a new start. */
  crash(): Promise<void>
  readonly output: string
}

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareHaproxy(t: ExecutionContext<any>, haproxy: string, edit: (printed: string) => string = printed => printed): Promise<Haproxy> {
  const folder = await temporaryFolder(t)
  const [port, backend] = [await freePort(), await startBackend(t)]
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server)
  const files = `${folder}/files`
  mkdirSync(files)
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', certificate) + (server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string), { mode: 0o600 })
  const values = {
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: 'unused', files, run: folder,
    backend: `127.0.0.1:${backend.port}`, streamLimitSeconds: 900,
  }
  writeFileSync(`${folder}/haproxy.cfg`, edit(haproxyConfiguration(values)))
  let child: ChildProcess | undefined
  let output = ''
  const start = async (): Promise<void> => {
    const started = child = spawn(haproxy, ['-W', '-db', '-f', `${folder}/haproxy.cfg`], { stdio: ['ignore', 'pipe', 'pipe'] })
    started.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
    started.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
    writeFileSync(`${folder}/pid`, String(started.pid))
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`HAProxy has ended: ${output}`)
      return await accepts(port)
    })
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    // The master takes its workers with it.
    child.kill('SIGTERM')
    await ended
  }
  t.teardown(kill)
  // Run by the agent, as an administrator's command would be.
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -USR2 "$(cat ${folder}/pid)"\n`, { mode: 0o755 })
  return {
    port, folder, backend, start, kill, values,
    settings: { files, socket: `${folder}/haproxy.sock`, reload: [`${folder}/reload.sh`] },
    restart: async () => { await kill(); await start() },
    crash: async () => { await killFamily(child); await start() },
    reload: () => { child?.kill('SIGUSR2') },
    get output() { return output },
  }
}
