/** Debian's nginx with the printed configuration for an agent, in a folder of its own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { NginxSettings } from '../../src/agent/targets/nginx.ts'
import { nginxConfiguration } from '../../src/protocols/check/configurations/nginx.ts'
import { newFrontEndPlace, type FrontEndPlace } from './front-end-place.ts'
import { until } from './running-agent.ts'
import { serverProgram, type ServerProgram } from './server-program.ts'

export type LuaNginx = FrontEndPlace & Pick<ServerProgram, 'start' | 'restart' | 'crash'> & { readonly settings: NginxSettings, reload(): void, errorLog(): string }

const luaModule = '/usr/lib/nginx/modules/ngx_http_lua_module.so'
export const hasLua = (): boolean => existsSync(luaModule)

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareLuaNginx(t: ExecutionContext<any>, nginx: string, edit: (printed: string) => string = printed => printed): Promise<LuaNginx> {
  const place = await newFrontEndPlace(t)
  const { folder, port, values } = place
  const log = `${folder}/error.log`
  // Debian's own paths belong to root.
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${folder}/${name};\n`).join('')
  writeFileSync(`${folder}/nginx.conf`, edit(nginxConfiguration(values)).replace('http {\n', `http {\n${paths}`))
  const globals = `daemon off; error_log ${log} notice; ${process.getuid?.() === 0 ? 'user root;' : ''}`
  const { start, restart, signal, killAll } = serverProgram(t, { program: nginx, args: ['-p', folder, '-e', log, '-c', `${folder}/nginx.conf`, '-g', globals], port, log })
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -HUP "$(cat ${folder}/nginx.pid)"\n`, { mode: 0o755 })
  return {
    ...place, start, restart, settings: { files: values.files, socket: `${folder}/nginx.sock`, reload: [`${folder}/reload.sh`] },
    reload: () => { signal('SIGHUP') },
    crash: async () => {
      await killAll()
      // Where it is left, no nginx can start: the agent clears it.
      await until(() => !existsSync(`${folder}/nginx.sock`))
      await start()
    },
    errorLog: () => readFileSync(log, 'utf8'),
  }
}
