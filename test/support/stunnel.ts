/** Debian's stunnel with the printed configuration, in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { StunnelSettings } from '../../src/agent/targets/stunnel.ts'
import { toPem } from '../../src/formats/pem.ts'
import { stunnelConfiguration } from '../../src/protocols/check/configurations/stunnel.ts'
import type { ConfigurationValues } from '../../src/protocols/check/configurations/values.ts'
import { startBackend, type Backend } from './backend.ts'
import { freePort } from './free-port.ts'
import { accepts } from './nginx.ts'
import { until } from './running-agent.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

export type Stunnel = {
  readonly port: number
  readonly folder: string
  readonly values: ConfigurationValues
  readonly settings: StunnelSettings
  readonly backend: Backend
  start(): Promise<void>
  restart(): Promise<void>
  reloads(): number
}

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareStunnel(t: ExecutionContext<any>, stunnel: string, edit: (printed: string) => string = printed => printed): Promise<Stunnel> {
  const folder = await temporaryFolder(t)
  const [port, backend] = [await freePort(), await startBackend(t)]
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server)
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', certificate))
  writeFileSync(`${folder}/server-key.pem`, server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const values = {
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files: `${folder}/files`, run: folder,
    backend: `127.0.0.1:${backend.port}`, latchkey: 'http://127.0.0.1:8080', ocsp: '', streamLimitSeconds: 900,
  }
  writeFileSync(`${folder}/stunnel.conf`, edit(stunnelConfiguration(values)))
  let child: ChildProcess | undefined
  let output = ''
  let starts = 0
  const start = async (): Promise<void> => {
    starts++
    const started = child = spawn(stunnel, [`${folder}/stunnel.conf`], { stdio: ['ignore', 'ignore', 'pipe'] })
    started.stderr!.on('data', (chunk: Buffer) => { output += chunk.toString() })
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`stunnel has ended: ${output}`)
      return await accepts(port)
    })
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  t.teardown(kill)
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -HUP "$(cat ${folder}/stunnel.pid)"\n`, { mode: 0o755 })
  return {
    port, folder, values, backend, start, settings: { files: values.files, pid: `${folder}/stunnel.pid`, reload: [`${folder}/reload.sh`] },
    restart: async () => { await kill(); await start() },
    reloads: () => (output.match(/Reading configuration from file/g)?.length ?? 0) - starts,
  }
}
