/** Debian's nginx with the printed configuration that asks Latchkey, as an ordinary user and as root, in a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import type { ExecutionContext } from 'ava'
import { toPem } from '../../src/formats/pem.ts'
import { startBackend, type Backend } from './backend.ts'
import { nginxCheckConfiguration } from '../../src/protocols/check/configurations/nginx-check.ts'
import { run, type Outcome } from './peers.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

const fetchScript = fileURLToPath(new URL('../../docs/nginx/latchkey-fetch-bundle.sh', import.meta.url))

export type NginxOptions = {
  /** Path of the program, from `peer`. */
  nginx: string
  /** Where Latchkey listens: `http://127.0.0.1:port`. */
  latchkey: string
  frontEnd: string
  secret: string
  /** Where it asks, if not there; `trusted` stands for the machine's own file of CAs. */
  door?: { readonly url: string, readonly trusted: string }
  /** How long one request may run. */
  streamLimitSeconds?: number
}

export type Nginx = {
  readonly port: number
  /** With chain.pem and bundle.pem, as the recipe calls it. */
  readonly folder: string
  /** What the back end behind it has received, oldest first. */
  readonly received: Backend['received']
  /** Runs latchkey-fetch-bundle.sh, from Latchkey or from another server. */
  fetchBundle(origin?: string): Promise<Outcome>
  /** Starts it anew with a changed configuration, for tests of what the recipe guards against. */
  restart(edit: (recipe: string) => string): Promise<void>
  errorLog(): string
}

/** Runs latchkey-fetch-bundle.sh; with no nginx at hand, `true` stands for its commands. */
export const runFetchBundle = async (folder: string, origin: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  await run('sh', [fetchScript, origin, folder], { env: { ...process.env, NGINX_TEST: 'true', NGINX_RELOAD: 'true', ...env } })

/** Fetches chain and bundle, and starts nginx with them. It ends with the test. */
export async function startNginx(t: ExecutionContext<any>, options: NginxOptions): Promise<Nginx> {
  const folder = await temporaryFolder(t)
  const [port, { received, port: backend }] = [await freePort(), await startBackend(t)]
  await writeFiles(folder, options, port, backend)
  const fetchBundle = async (origin = options.latchkey): Promise<Outcome> =>
    await runFetchBundle(folder, origin, { NGINX_TEST: `${folder}/nginx.sh -t -q`, NGINX_RELOAD: `${folder}/nginx.sh -s reload` })
  // nginx is not running yet, so the last step of the first run fails; its files are in place.
  const first = await fetchBundle()
  t.regex(first.stderr, /new lists are in place, but nginx was not reloaded/)
  const asWritten = readFileSync(`${folder}/nginx.conf`, 'utf8')
  let end = await launch(folder, port)
  t.teardown(async () => { await end() })
  const restart = async (edit: (recipe: string) => string): Promise<void> => {
    await end()
    writeFileSync(`${folder}/nginx.conf`, edit(asWritten))
    end = await launch(folder, port)
  }
  return { port, folder, received, fetchBundle, restart, errorLog: () => readFileSync(`${folder}/error.log`, 'utf8') }
}

/** @returns what ends it */
async function launch(folder: string, port: number): Promise<() => Promise<void>> {
  const child = spawn(`${folder}/nginx.sh`, { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.pipe(process.stderr, { end: false })
  const ended = once(child, 'exit')
  await untilListening(port, ended)
  return async () => { child.kill('SIGTERM'); await ended }
}

async function writeFiles(folder: string, options: NginxOptions, port: number, backend: number): Promise<void> {
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server)
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', certificate))
  writeFileSync(`${folder}/server-key.pem`, server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  writeFileSync(`${folder}/chain.pem`, await (await fetch(`${options.latchkey}/ca/chain.pem`)).text())
  writeFileSync(`${folder}/check-secret.conf`, `proxy_set_header Authorization "Bearer ${options.secret}";\n`, { mode: 0o600 })
  writeFileSync(`${folder}/nginx.conf`, filled(folder, options, port, backend))
  // Debian's own paths belong to root.
  const globals = `daemon off; worker_processes 2; pid ${folder}/nginx.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}`
  writeFileSync(`${folder}/nginx.sh`, `#!/bin/sh\nexec ${options.nginx} -p ${folder} -e ${folder}/error.log -c ${folder}/nginx.conf -g '${globals}' "$@"\n`)
  chmodSync(`${folder}/nginx.sh`, 0o755)
}

function filled(folder: string, { latchkey, frontEnd, door, streamLimitSeconds = 15 }: NginxOptions, port: number, backend: number): string {
  const printed = nginxCheckConfiguration({
    frontEnd, listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files: folder, run: folder,
    backend: `127.0.0.1:${backend}`, latchkey: door?.url ?? latchkey, ocsp: '', streamLimitSeconds,
  })
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${folder}/${name};\n`).join('')
  return printed.replace('http {\n', `http {\n${paths}`).replace('/etc/ssl/certs/ca-certificates.crt', door?.trusted ?? '')
}

export async function untilListening(port: number, ended: Promise<unknown>): Promise<void> {
  let over = false
  void ended.then(() => { over = true })
  while (!await accepts(port)) if (over) throw new Error('nginx has ended')
}

export const accepts = (port: number): Promise<boolean> => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => { socket.destroy(); resolve(true) })
  socket.once('error', () => { setImmediate(() => { resolve(false) }) })
})
