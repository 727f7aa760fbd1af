/** The front end of the demonstration: Debian's nginx with the printed configuration, or Node's own TLS server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { nginxCheckConfiguration } from '../../protocols/check/configurations/nginx-check.ts'
import { localhostIdentity } from './tls-identity.ts'

export type FrontEnd = { kind: string, port: number, stop(): Promise<void> }
export type FrontEndOptions = { folder: string, name: string, secret: string, latchkey: { host: string, port: number }, chain: string, bundle: string, now: Date }

export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

export async function startFrontEnd(options: FrontEndOptions): Promise<FrontEnd> {
  const nginx = findNginx()
  return nginx === undefined ? await startNode(options) : await startNginx(nginx, options)
}

export const findNginx = (): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].map(folder => join(folder, 'nginx')).find(existsSync)

async function startNginx(program: string, options: FrontEndOptions): Promise<FrontEnd> {
  const { folder, latchkey } = options
  const port = await freePort()
  const backend = await startBackend()
  const identity = await localhostIdentity(options.now)
  for (const name of ['logs', 'temp']) await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, 'server.pem'), identity.certificate)
  await writeFile(join(folder, 'server-key.pem'), identity.key, { mode: 0o600 })
  await writeFile(join(folder, 'chain.pem'), options.chain)
  await writeFile(join(folder, 'bundle.pem'), options.bundle)
  await writeFile(join(folder, 'check-secret.conf'), `proxy_set_header Authorization "Bearer ${options.secret}";\n`, { mode: 0o600 })
  const text = nginxCheckConfiguration({
    frontEnd: options.name, listen: `127.0.0.1:${port}`, certificate: join(folder, 'server.pem'), certificateKey: join(folder, 'server-key.pem'), files: folder, run: folder,
    backend: `127.0.0.1:${(backend.address() as AddressInfo).port}`, latchkey: `http://${latchkey.host}:${latchkey.port}`, ocsp: '', streamLimitSeconds: 900,
  })
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/temp/${kind};`).join(' ')
  await writeFile(join(folder, 'nginx.conf'), `${process.getuid?.() === 0 ? 'user root;\n' : ''}pid ${folder}/nginx.pid;\n${text.replace(/http \{/, `http { ${temp}`)}`)
  const child = spawn(program, ['-e', join(folder, 'logs', 'error.log'), '-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' })
  await answering(port)
  return {
    kind: 'nginx', port,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      await close(backend)
    },
  }
}

async function startBackend(): Promise<Server> {
  const server = createHttpServer((asked, answer) => { answer.end(`hello ${String(asked.headers['latchkey-person'])}\n`) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function answering(port: number): Promise<void> {
  const { connect } = await import('node:net')
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const up = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false)
    socket.destroy()
    if (up) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error('the front end did not start')
}

/** Node's TLS server, asking /check on every request as nginx does. */
async function startNode(options: FrontEndOptions): Promise<FrontEnd> {
  const identity = await localhostIdentity(options.now)
  const crls = options.bundle.match(/-----BEGIN X509 CRL-----[^]*?-----END X509 CRL-----\n/g) ?? []
  const server = createTlsServer({ cert: identity.certificate, key: identity.key, ca: options.chain, crl: crls, requestCert: true, rejectUnauthorized: true }, (asked, answer) => {
    const der = (asked.socket as TLSSocket).getPeerCertificate()?.raw
    if (der === undefined) return answer.writeHead(403).end()
    const headers = { authorization: `Bearer ${options.secret}`, 'client-cert': `:${der.toString('base64')}:` }
    const check = request({ ...options.latchkey, path: `/check/${options.name}`, headers }, verdict => {
      verdict.resume()
      answer.writeHead(verdict.statusCode === 200 ? 200 : 403).end(`hello ${String(verdict.headers['latchkey-person'])}\n`)
    })
    check.on('error', () => answer.writeHead(503).end()).end()
    return answer
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { kind: 'Node’s TLS server', port, stop: async () => { await close(server) } }
}

const close = async (server: { closeAllConnections(): void, close(done: () => void): void }): Promise<void> => {
  server.closeAllConnections()
  await new Promise<void>(resolve => { server.close(() => resolve()) })
}
