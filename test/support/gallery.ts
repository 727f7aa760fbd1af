/** A browser that goes from scene to scene of one company. */
import { randomBytes } from 'node:crypto'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { chromiumFlags } from './browser.ts'
import type { Company } from './company.ts'
import { isOf, pathOf, type Scene } from './scene.ts'
import { accountScenes } from './scenes-account.ts'
import { consoleScenes } from './scenes-console.ts'
import { personScenes } from './scenes-person.ts'

export const scenes: readonly Scene[] = [...consoleScenes, ...accountScenes, ...personScenes]

export type Gallery = {
  /** Leads a page there, and through what is done there. Whatever the browser complains about on the way is told to `fault`. */
  open(scene: Scene, fault: (text: string) => void): Promise<Page>
  close(): Promise<void>
}

export async function openGallery(company: Company, executablePath: string): Promise<Gallery> {
  const browser = await chromium.launch({ executablePath, headless: true, args: chromiumFlags })
  return {
    async open(scene, fault) {
      const context = await contextFor(browser, company, scene)
      watch(context, company, fault)
      const page = await context.newPage()
      await page.goto(`${company.url}${pathOf(scene, company)}`)
      try {
        await scene.act?.(page, company)
        if (scene.leadsTo !== undefined) await page.waitForURL(url => isOf(scene.leadsTo!, url.href))
      } catch (cause) {
        throw new Error(`stuck at ${page.url()}, “${await page.title()}”: ${(cause as Error).message}`, { cause })
      }
      return page
    },
    close: async () => await browser.close(),
  }
}

async function contextFor(browser: Browser, { service, url, token, auditorToken }: Company, { as, browser: agent }: Scene): Promise<BrowserContext> {
  const { userAgent, locale, script } = agent ?? {}
  const context = await browser.newContext({
    viewport: { width: as === 'owner' ? 390 : 1280, height: 900 }, reducedMotion: 'reduce',
    ...userAgent !== undefined && { userAgent }, ...locale !== undefined && { locale }, ...script === false && { javaScriptEnabled: false },
  })
  // Each visit has a session of its own: what a page does to it is nothing to the others.
  const value = as === 'auditor' ? auditorToken : as === undefined ? await sessionLike(service, token) : token
  if (as === undefined || as === 'auditor') await context.addCookies([{ name: 'latchkey', value, url, httpOnly: true, sameSite: 'Lax' }])
  return context
}

async function sessionLike({ db }: Company['service'], token: string): Promise<string> {
  const own = randomBytes(32).toString('base64url')
  await db.query(`insert into console_sessions (id, admin_id, token_sha256, method, created_at, last_seen_at, expires_at, address, user_agent)
    select gen_random_uuid(), admin_id, $1, method, created_at, last_seen_at, expires_at, address, user_agent from console_sessions where token_sha256 = $2`, [tokenSha256(own), tokenSha256(token)])
  return own
}

function watch(context: BrowserContext, { url }: Company, fault: (text: string) => void): void {
  context.on('console', message => {
    // Pages that refuse something say so in their status as well.
    if (message.type() === 'error' && !(/the server responded with a status of 4\d\d/.test(message.text()) && isPage(message.location().url))) fault(`console: ${message.text()} ${message.location().url}`)
  })
  context.on('weberror', error => { fault(`script: ${error.error().message}`) })
  context.on('request', request => { if (!request.url().startsWith(`${url}/`)) fault(`a request to ${request.url()}`) })
}

const isPage = (address: string): boolean => /^\/(?:console|setup|i)(?:\/|$)/.test(new URL(address).pathname)
