/** Debian's nginx with the printed configuration for an agent, in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { freePort } from './free-port.ts'
import type { ExecutionContext } from 'ava'
import type { NginxSettings } from '../../src/agent/targets/nginx.ts'
import { toPem } from '../../src/formats/pem.ts'
import { nginxConfiguration } from '../../src/protocols/check/configurations/nginx.ts'
import { startBackend, type Backend } from './backend.ts'
import { accepts } from './nginx.ts'
import { killFamily } from './kill-family.ts'
import { until } from './running-agent.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

export type LuaNginx = {
  readonly port: number
  readonly settings: NginxSettings
  readonly backend: Backend
  start(): Promise<void>
  restart(): Promise<void>
  reload(): void
  /** Every process of it gone at once, and a new start. */
  crash(): Promise<void>
  errorLog(): string
}

const luaModule = '/usr/lib/nginx/modules/ngx_http_lua_module.so'
export const hasLua = (): boolean => existsSync(luaModule)

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareLuaNginx(t: ExecutionContext<any>, nginx: string, edit: (printed: string) => string = printed => printed): Promise<LuaNginx> {
  const folder = await temporaryFolder(t)
  const [port, backend] = [await freePort(), await startBackend(t)]
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server)
  const files = `${folder}/files`
  mkdirSync(files)
  writeFileSync(`${folder}/server.pem`, toPem('CERTIFICATE', certificate))
  writeFileSync(`${folder}/server-key.pem`, server.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const printed = nginxConfiguration({
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files, run: folder,
    backend: `127.0.0.1:${backend.port}`, streamLimitSeconds: 900,
  })
  // Debian's own paths belong to root.
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${folder}/${name};\n`).join('')
  writeFileSync(`${folder}/nginx.conf`, edit(printed).replace('http {\n', `http {\n${paths}`))
  const command = ['-p', folder, '-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`]
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const started = child = spawn(nginx, [...command, '-g', `daemon off; error_log ${folder}/error.log notice; ${process.getuid?.() === 0 ? 'user root;' : ''}`], { stdio: ['ignore', 'ignore', 'inherit'] })
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`nginx has ended: ${readFileSync(`${folder}/error.log`, 'utf8')}`)
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
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -HUP "$(cat ${folder}/nginx.pid)"\n`, { mode: 0o755 })
  return {
    port, backend, start, settings: { files, socket: `${folder}/nginx.sock`, reload: [`${folder}/reload.sh`] },
    restart: async () => { await kill(); await start() },
    reload: () => { child?.kill('SIGHUP') },
    crash: async () => {
      await killFamily(child)
      // Where it is left, no nginx can start: the agent clears it.
      await until(() => !existsSync(`${folder}/nginx.sock`))
      await start()
    },
    errorLog: () => readFileSync(`${folder}/error.log`, 'utf8'),
  }
}
