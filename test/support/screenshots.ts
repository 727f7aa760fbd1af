/**
 * Pictures of the console for people to look at: `npm run screenshots [name …]` writes them to `screenshots/`, each page at a
 * desk and on a phone, light and dark. Further pages are further entries of `scenes`.
 */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { createSetupLink } from '../../src/http/setup-link.ts'
import { chromiumFlags } from './browser.ts'
import { newSession, openDoors } from './console.ts'
import { freePort } from './served.ts'
import { testService, type TestService } from './service.ts'

type Scene = { name: string, signedIn: boolean, show(page: Page, service: TestService): Promise<void> }

const open = (path: string) => async (page: Page, service: TestService): Promise<void> => { await page.goto(`${service.config.url}${path}`) }

const scenes: Scene[] = [
  { name: 'sign-in', signedIn: false, show: open('/console/sign-in') },
  {
    name: 'sign-in-refused', signedIn: false,
    async show(page, service) {
      await page.goto(`${service.config.url}/console/sign-in`)
      await page.getByLabel('E-mail').fill('grace@example.org')
      await page.getByLabel('Password').fill('not the password')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  { name: 'setup', signedIn: false, show: async (page, service) => { await page.goto((await createSetupLink(service)).url) } },
  { name: 'account', signedIn: true, show: open('/console/account') },
  { name: 'passkey', signedIn: true, show: open('/console/account/passkey') },
  {
    name: 'codes', signedIn: true,
    async show(page, service) {
      await page.goto(`${service.config.url}/console/account/codes`)
      await page.getByRole('main').getByRole('button').click()
      await page.locator('ol.codes').waitFor()
    },
  },
  { name: 'tokens', signedIn: true, show: open('/console/account/tokens') },
  { name: 'people', signedIn: true, show: open('/console/account/people') },
  { name: 'words', signedIn: true, show: open('/console/words') },
  { name: 'nowhere', signedIn: true, show: open('/console/nowhere') },
]

const folder = fileURLToPath(new URL('../../screenshots/', import.meta.url))

async function main(wanted: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const ends: (() => unknown)[] = []
  const stage = { teardown: (end: () => unknown) => { ends.push(end) } } as never
  const port = await freePort()
  const url = `http://localhost:${port}`
  const service = await testService(stage, { config: { url, pkiUrl: url } })
  await openDoors(stage, service, port)
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: chromiumFlags })
  const { token, admin } = await newSession(service, 'admin')
  await furnish(service, admin.id)
  for (const scene of scenes.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) await shoot(browser, service, scene, token)
  await browser.close()
  for (const end of ends.reverse()) await end()
}

/** What makes pages look as they do in use. */
async function furnish(service: TestService, adminId: string): Promise<void> {
  const now = service.now()
  await service.db.query('update admins set name = $2, email = $3 where id = $1', [adminId, 'Ada Marsh', 'ada@example.org'])
  await service.db.query(`insert into admin_passwords values ($1, '$argon2id$', $2)`, [adminId, new Date(now.getTime() - 40 * 86_400_000)])
  for (const [name, days] of [['MacBook, Safari', 40], ['iPhone', 3]] as const) {
    await service.db.query(`insert into passkeys (credential_id, admin_id, name, public_key, sign_count, transports, backed_up, created_at, last_used_at)
      values ($1, $2, $3, '\\x00', 0, '{internal}', $4, $5, $6)`, [Buffer.from(name), adminId, name, days === 3, new Date(now.getTime() - days * 86_400_000), days === 3 ? null : now])
  }
  await service.db.query(`insert into console_sessions (id, admin_id, token_sha256, method, created_at, last_seen_at, expires_at, address, user_agent)
    values (gen_random_uuid(), $1, '\\x01', 'passkey', $2, $2, $3, '2001:db8:85a3::8a2e:370:7334', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1')`,
  [adminId, new Date(now.getTime() - 1_900_000), new Date(now.getTime() + 3_600_000)])
  await service.db.query(`insert into tokens (id, name, role, token_sha256, created_at, expires_at) values
    (gen_random_uuid(), 'mail gateway', 'auditor', '\\x01', $1, $2), (gen_random_uuid(), 'nightly export of the inventory of every phone of both companies', 'operator', '\\x02', $1, null)`,
  [new Date(now.getTime() - 86_400_000), new Date(now.getTime() + 20 * 86_400_000)])
  await service.db.query(`insert into admins (id, name, email, role, created_at) values
    (gen_random_uuid(), 'Ines Roth', 'ines.roth@subsidiary.example.org', 'operator', $1), (gen_random_uuid(), 'Tom Weiss', 'tom@example.org', 'auditor', $1)`, [now])
}

async function shoot(browser: Browser, service: TestService, scene: Scene, token: string): Promise<void> {
  for (const [form, width, height] of [['desk', 1280, 800], ['phone', 390, 800]] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context: BrowserContext = await browser.newContext({ viewport: { width, height }, colorScheme })
      if (scene.signedIn) await context.addCookies([{ name: 'latchkey', value: token, url: service.config.url, httpOnly: true, sameSite: 'Lax' }])
      const page = await context.newPage()
      await scene.show(page, service)
      const scrolls = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
      if (scrolls === true) process.stdout.write(`${scene.name}: wider than a ${form}\n`)
      await page.screenshot({ path: `${folder}${scene.name}-${form}-${colorScheme}.png`, fullPage: true })
      await context.close()
    }
  }
}

await main(process.argv.slice(2))
