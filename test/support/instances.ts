/** Several instances of the service on one database, and nginx before them as docs/nginx/instances.conf.example has it. */
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { background, type Background } from './background.ts'
import { served, type Served } from './served.ts'

const example = fileURLToPath(new URL('../../docs/nginx/instances.conf.example', import.meta.url))

/** @param ports  of the instances, also of those that are not running yet */
export async function startBalancer(program: string, port: number, ports: readonly number[]): Promise<Background> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-balancer-'))
  const servers = ports.map(each => `    server 127.0.0.1:${each} max_fails=3 fail_timeout=1s;\n`).join('')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${folder}/${name};\n`).join('')
  const configuration = (await readFile(example, 'utf8'))
    .replace(/(?: +server 127\.0\.0\.1:80\d\d .*\n)+/, servers).replace('listen 8080;', `listen 127.0.0.1:${port};`).replace('http {\n', `http {\n${paths}`)
  await writeFile(`${folder}/nginx.conf`, configuration)
  const globals = `daemon off; worker_processes 1; pid ${folder}/nginx.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}`
  const running = await background(program, ['-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`, '-g', globals], port)
  return {
    ...running, end: async () => {
      await running.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Instances that are the same to whoever comes by way of `balancerPort`; none of them runs yet. */
export async function instances(count: number, folder: string, balancerPort: number, env: Readonly<Record<string, string>>): Promise<Served[]> {
  const url = `http://127.0.0.1:${balancerPort}`
  const made: Served[] = []
  for (let index = 0; index < count; index++) {
    made.push(await served(join(folder, `instance-${index}`), { ...env, LATCHKEY_URL: url, LATCHKEY_PKI_URL: url, LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }))
  }
  return made
}
