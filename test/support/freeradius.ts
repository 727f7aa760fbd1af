/** Debian's FreeRADIUS with the printed configuration, in a folder of its own, and a phone that wants to join: wpa_supplicant's eapol_test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { toPem } from '../../src/formats/pem.ts'
import { freeradiusConfiguration } from '../../src/protocols/check/configurations/freeradius.ts'
import type { ConfigurationValues } from '../../src/protocols/check/configurations/values.ts'
import { freePort } from './free-port.ts'
import { run } from './peers.ts'
import { until } from './running-agent.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'
import type { Identity } from './tls-client.ts'

export type Joined = { readonly accepted: boolean, readonly text: string }

export type Freeradius = {
  readonly folder: string
  readonly values: ConfigurationValues
  readonly printed: string
  /** A phone with this certificate wants to join; `again` lets it do so a second time. */
  join(identity: Identity, options?: { again?: boolean }): Promise<Joined>
  readonly output: string
}

export type FreeradiusOptions = { readonly freeradius: string, readonly eapolTest: string, readonly latchkey: string, readonly ocsp: string }

const secret = 'of the access point'

/** It ends with the test. */
export async function startFreeradius(t: ExecutionContext<any>, { freeradius, eapolTest, latchkey, ocsp }: FreeradiusOptions): Promise<Freeradius> {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const [server, ca] = [newSigner(), await newAuthority('front ends')]
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', await issueTestCertificate(ca, testSerialNumber('front end'), server)))
  writeFileSync(`${folder}/server-ca.pem`, toPem('CERTIFICATE', ca.certificate))
  writeFileSync(`${folder}/server-key.pem`, server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  writeFileSync(`${folder}/chain.pem`, await (await fetch(`${latchkey}/ca/chain.pem`)).text())
  writeFileSync(`${folder}/radius-clients.conf`, `client test {\n\tipaddr = 127.0.0.1\n\tsecret = "${secret}"\n\trequire_message_authenticator = yes\n}\n`, { mode: 0o600 })
  writeFileSync(`${folder}/dictionary`, '')
  mkdirSync(`${folder}/run`)
  const values = {
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files: folder, run: folder,
    backend: '', latchkey, ocsp, streamLimitSeconds: 900,
  }
  const printed = freeradiusConfiguration(values)
  writeFileSync(`${folder}/latchkey.conf`, atHome(printed, folder))
  const child = spawn(freeradius, ['-f', '-X', '-d', folder, '-n', 'latchkey'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  await until(() => {
    if (child.exitCode !== null) throw new Error(`FreeRADIUS has ended: ${output.slice(-2000)}`)
    return output.includes('Ready to process requests')
  })
  return { folder, values, printed, join: async (identity, options) => await joinAs(eapolTest, folder, port, identity, options), get output() { return output } }
}

/** Debian's own paths belong to somebody else. */
const atHome = (printed: string, folder: string): string => printed
  .replace('raddbdir = /etc/freeradius/3.0', `raddbdir = ${folder}`).replace('run_dir = /run/freeradius', `run_dir = ${folder}/run`).replace('logdir = /var/log/freeradius', `logdir = ${folder}`)
  .replace(/^\t(?:user|group) = freerad\n/gm, '')

async function joinAs(eapolTest: string, folder: string, port: number, { pem, privateKeyPem }: Identity, { again = false }: { again?: boolean } = {}): Promise<Joined> {
  const path = `${folder}/${randomUUID()}`
  writeFileSync(`${path}.pem`, pem)
  writeFileSync(`${path}-key.pem`, privateKeyPem)
  writeFileSync(`${path}.conf`, `fast_reauth=1\nnetwork={\n  ssid="test"\n  key_mgmt=WPA-EAP\n  eap=TLS\n  identity="phone"\n  ca_cert="${folder}/server-ca.pem"\n  client_cert="${path}.pem"\n  private_key="${path}-key.pem"\n}\n`)
  const { status, stdout } = await run(eapolTest, ['-c', `${path}.conf`, '-a', '127.0.0.1', '-p', String(port), '-s', secret, '-t', '60', ...again ? ['-r', '1'] : []])
  return { accepted: status === 0, text: stdout.toString() }
}
