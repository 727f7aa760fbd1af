/** Our reading of rulesets beside that of the server they were written for. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import test from 'ava'
import { readRuleset } from '../../src/formats/rewrite/ruleset.ts'
import { evaluateRuleset } from '../../src/formats/rewrite/evaluate.ts'
import { usualVariables } from '../../src/formats/rewrite/expand.ts'
import { untilListening } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { rewriteCases, rulesetOf } from '../support/rewrite-cases.ts'
import { temporaryFolder } from '../support/temporary.ts'

const ua = 'RewriteCond %{HTTP_USER_AGENT}'
const rulesets = [
  rulesetOf('active'), rulesetOf('with-4.3.2-lines', { twoRules: true }),
  `${ua} iPad [OR]\nRewriteRule .* - [F]`,
  `${ua} iPad\nRewriteRule .* http://no.example/ [R]\nRewriteRule .* - [L]`,
  `${ua} iPad\nRewriteRule .* http://no.example/?a=1 [R=301]\nRewriteRule (.*) $1 [L]`,
  `${ua} iPhone2C1\nRewriteRule .* http://no.example/x\nRewriteRule .* - [F]`,
  `${ua} iPhone\nRewriteRule .* - [R=301,L]\nRewriteRule .* - [G]`,
  `${ua} iPhone\nRewriteRule .* - [R=404]\nRewriteRule .* - [G]`,
  `${ua} !^Apple- [NC]\nRewriteRule ^/ - [F]`,
  `${ua} a [NC]\nRewriteRule .* - [C]\nRewriteRule !x - [C]\nRewriteRule .* - [F]\nRewriteRule .* - [G]`,
  `${ua} iP(hone|ad)(\\dC)?\nRewriteRule .* - [S=2,E=v:%1$0]\n${ua} Android\nRewriteRule .* - [F]\nRewriteRule .* - [G]\nRewriteCond %{ENV:v} =hone/Microsoft-Server-ActiveSync [NC]\nRewriteRule .* - [F]`,
  `${ua} ^(\\w+)-([^/]*)/(\\d+)\\.(\\d+)$\nRewriteRule ^/(.{3}).*$ http://no.example/%1/%2/$1?%3=%4 [R=302,L,NE]`,
  `${ua} "^Mozilla.*(not an|CPU OS)\\ i?P?" [NC]\nRewriteRule .* /sorry.html [L]`,
  `${ua} iPad [NC,OR]\n${ua} iPhone [NC]\n${ua} 70[1-5]\nRewriteRule .* - [F]`,
  `${ua} =""\nRewriteRule .* - [G]\n${ua} =iphone [NC]\nRewriteRule .* - [F]`,
  `${ua} ^$\nRewriteRule .* - [G]\n${ua} \\b8\\d{2}\\b\nRewriteRule .* - [F]`,
  `${ua} iPhone\nRewriteRule ^(.*)$ $1 [L]\nRewriteRule . - [F]`,
  `${ua} iPad\nRewriteRule .* http://no.example/a\n${ua} 702\nRewriteRule ^http - [G]`,
]
const agents = [...new Set(rewriteCases.map(c => c.userAgent))]

test('a real Apache does with every User-Agent what we say that it does', async t => {
  const apache = peer(t, 'apache2')
  if (apache === undefined) return
  const folder = await temporaryFolder(t)
  const port = await freePort()
  mkdirSync(join(folder, 'htdocs'))
  // Apache gives up being root, and its workers have to get at the files.
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'htdocs/Microsoft-Server-ActiveSync'), 'mail')
  writeFileSync(join(folder, 'htdocs/sorry.html'), 'sorry')
  const modules = ['mpm_event', 'authz_core', 'rewrite'].map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  const hosts = rulesets.map((rules, i) => `<VirtualHost *:${port}>\nServerName r${i}.example\nDocumentRoot ${folder}/htdocs\n${rules.startsWith('RewriteEngine') ? '' : 'RewriteEngine on\n'}${rules}\n</VirtualHost>`)
  writeFileSync(join(folder, 'httpd.conf'), [...modules, `Listen 127.0.0.1:${port}`, 'ServerName here.example', `ServerRoot ${folder}`, `PidFile ${folder}/pid`, `ErrorLog ${folder}/error.log`,
    `<Directory ${folder}/htdocs>\nRequire all granted\n</Directory>`, ...hosts, ''].join('\n'))
  const child = spawn(apache, ['-f', join(folder, 'httpd.conf'), '-D', 'FOREGROUND'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => { complaint += chunk.toString() })
  const ended = new Promise(resolve => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await untilListening(port, ended)
  t.is(child.exitCode, null, complaint)
  for (const [i, rules] of rulesets.entries()) {
    const ruleset = readRuleset(rules)
    for (const userAgent of agents) {
      const { httpStatus, location } = evaluateRuleset(ruleset, new Map([...usualVariables, ['HTTP_HOST', `r${i}.example`], ['HTTP_USER_AGENT', userAgent]]))
      const ours = { answer: httpStatus === 'unmodified' ? 'mail' : httpStatus === 'rewritten' ? 'sorry' : String(httpStatus), location }
      t.deepEqual(ours, await ask(port, `r${i}.example`, userAgent), `${rules}\n${userAgent}`)
    }
  }
})

async function ask(port: number, host: string, userAgent: string): Promise<{ answer: string, location: string | null }> {
  return await new Promise((resolve, reject) => {
    const headers = { host, connection: 'close', ...userAgent === '' ? {} : { 'user-agent': userAgent } }
    request({ host: '127.0.0.1', port, path: '/Microsoft-Server-ActiveSync', headers }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => { body += chunk.toString() })
      response.on('end', () => { resolve({ answer: response.statusCode === 200 ? body : String(response.statusCode), location: response.headers.location ?? null }) })
    }).on('error', reject).end()
  })
}
