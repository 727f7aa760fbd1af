/** The pages of phone owners, in every state that one can be met in. */
import type { Page } from 'playwright-core'
import type { Company } from './company.ts'
import type { Scene } from './scene.ts'

const safari = (os: string, version: string): string => `Mozilla/5.0 (iPhone; CPU iPhone OS ${os} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Mobile/15E148 Safari/604.1`
const agents = { 17: safari('17_6', '17.6'), 18: safari('18_5', '18.5'), 26: safari('18_6', '26.0'), 16: safari('16_7', '16.6') }
const newest = { userAgent: agents[26], locale: 'en-GB' }
const german = { userAgent: agents[26], locale: 'de-DE' }

const last = (address: string): string => address.split('/').at(-1)!
const invited = (name: string, link: string, more: Partial<Scene> = {}): Scene =>
  ({ name: `owner-${name}`, route: '/i/:token', as: 'owner', at: ({ links }) => ({ token: last(links[link]!) }), browser: newest, ...more })
const attempt = (name: string, page: (company: Company) => string, more: Partial<Scene> = {}): Scene =>
  ({ name: `owner-${name}`, route: '/i/e/:enrollment', as: 'owner', at: company => ({ enrollment: last(page(company)) }), browser: newest, ...more })

/** Tapping Start downloads; the page stays, and leads on. */
async function start(page: Page): Promise<void> {
  const downloading = page.waitForEvent('download')
  await page.locator('[data-start]').first().click()
  await downloading
  await page.locator('#next').waitFor()
}

export const personScenes: readonly Scene[] = [
  invited('invited', 'fresh'),
  invited('invited-german', 'fresh', { browser: german }),
  invited('invited-plain', 'delivered'),
  invited('old-ios', 'fresh', { browser: { userAgent: agents[16] } }),
  invited('android', 'fresh', { browser: { userAgent: 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36' } }),
  invited('mac-or-ipad', 'fresh', { browser: { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15' } }),
  invited('inside-app', 'fresh', { browser: { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 300.0' } }),
  ...([17, 18, 26] as const).map(ios => invited(`steps-${ios}`, 'waiting', { browser: { userAgent: agents[ios], locale: 'en-GB' } })),
  invited('steps-german', 'waiting', { browser: german }),
  invited('started', 'fresh', { act: start }),
  invited('steps-without-script', 'waiting', { browser: { ...newest, script: false } }),
  ...['making', 'almost', 'ready', 'failed', 'changed', 'used-up', 'ended', 'expired', 'late', 'renewal'].map(state => invited(state, state === 'used-up' ? 'usedUp' : state)),
  invited('ready-german', 'ready', { browser: german }),
  invited('renewal-german', 'renewal', { browser: german }),
  { name: 'owner-unknown', route: '/i/:token', as: 'owner', at: () => ({ token: 'x' }), browser: newest },
  attempt('refused', ({ links }) => links['refused']!),
  attempt('refused-update', ({ links }) => links['update']!),
  attempt('refused-german', ({ links }) => links['refused']!, { browser: german }),
  attempt('refused-by-hand', ({ settled }) => settled.pages.refusedByHand),
  attempt('quarantined', ({ links }) => links['quarantined']!),
  attempt('quarantined-german', ({ links }) => links['quarantined']!, { browser: german }),
  attempt('decided', ({ settled }) => settled.pages.approved),
  ...(['used', 'held', 'revoked', 'replaced'] as const).map(state => attempt(state, ({ pages }) => pages[state]!)),
  attempt('unknown-attempt', () => 'nothing-here'),
]
