/** Debian's Caddy with the printed configuration, in a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { subjectAltName } from '../../src/formats/extensions.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { caddyConfiguration } from '../../src/protocols/check/configurations/caddy.ts'
import type { ConfigurationValues } from '../../src/protocols/check/configurations/values.ts'
import { startBackend, type Backend } from './backend.ts'
import { checkSecret } from './check-service.ts'
import { freePort } from './free-port.ts'
import { accepts } from './nginx.ts'
import { until } from './running-agent.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

/** Caddy chooses its certificate by the name that the client asks for. */
export const caddyName = 'mail.example.org'

export type Caddy = { readonly port: number, readonly folder: string, readonly values: ConfigurationValues, readonly backend: Backend }

export type CaddyOptions = {
  /** Path of the program, from `peer`. */
  readonly caddy: string
  /** Where it asks: `http://127.0.0.1:port`. */
  readonly latchkey: string
  /** With Latchkey's certificates, where that is another place. */
  readonly ca?: string
  readonly secret?: string
  /** Stands for the machine's own file of CAs. */
  readonly trusted?: string
  readonly streamLimitSeconds?: number
}

/** Starts it; it ends with the test. */
export async function startCaddy(t: ExecutionContext<any>, { caddy, latchkey, ca = latchkey, secret = checkSecret, trusted, streamLimitSeconds = 900 }: CaddyOptions): Promise<Caddy> {
  const folder = await temporaryFolder(t)
  const [port, backend] = [await freePort(), await startBackend(t)]
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server, [subjectAltName([{ type: 'dNSName', value: caddyName }])])
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', certificate))
  writeFileSync(`${folder}/server-key.pem`, server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  // As the printed configuration says: the first of the chain.
  const [issuing] = fromPem(await (await fetch(`${ca}/ca/chain.pem`)).text(), 'CERTIFICATE')
  writeFileSync(`${folder}/issuing.pem`, toPem('CERTIFICATE', issuing!))
  const values = {
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files: folder, run: folder,
    backend: `127.0.0.1:${backend.port}`, latchkey, ocsp: '', streamLimitSeconds,
  }
  writeFileSync(`${folder}/Caddyfile`, caddyConfiguration(values))
  // Its admin API would have the same address in every test, and Caddy keeps a copy of its configuration at home.
  const env = { PATH: process.env['PATH'], HOME: folder, CADDY_ADMIN: `unix/${folder}/admin.sock`, LATCHKEY_CHECK_SECRET: secret, ...trusted !== undefined && { SSL_CERT_FILE: trusted, SSL_CERT_DIR: folder } }
  const child = spawn(caddy, ['run', '--config', `${folder}/Caddyfile`], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`Caddy has ended: ${output}`)
    return await accepts(port)
  })
  return { port, folder, values, backend }
}
