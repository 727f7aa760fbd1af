/** A real browser at the console. Whatever it complains about fails the test. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { freePort } from './free-port.ts'
import type { ExecutionContext } from 'ava'
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'
import type { Role } from '../../src/store/access.ts'
import { newSession, openDoors } from './console.ts'
import { peer } from './peers.ts'
import { testService, type Overrides, type TestService } from './service.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Look = { width?: number, height?: number, dark?: boolean, script?: boolean }
export type Story = {
  readonly service: TestService
  /** `http://localhost:port`: browsers take passkeys there, and on no bare address */
  readonly url: string
  readonly page: Page
  readonly context: BrowserContext
  /** Signs the browser in, without the pages for it. */
  signIn(role?: Role): Promise<void>
  /** A page of somebody else's browser, watched like the first. */
  other(options: BrowserContextOptions): Promise<Page>
  /** Fails the test with whatever axe finds on the page as it is now. */
  axe(page?: Page): Promise<void>
}

export const chromiumFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
]

/**
 * A service with its doors open and a browser before them; undefined where there is no Chromium.
 * The test fails on console errors, violations of the page's policy, errors of scripts and requests to other hosts.
 */
export async function openStory(t: ExecutionContext<any>, overrides: Overrides & { look?: Look } = {}): Promise<Story | undefined> {
  const executablePath = peer(t, 'chromium')
  if (executablePath === undefined) return undefined
  const { look = {}, ...rest } = overrides
  const port = await freePort()
  const url = `http://localhost:${port}`
  const service = await testService(t, { ...rest, config: { url, pkiUrl: url, ...rest.config } })
  await openDoors(t, service, port)
  const browser = await chromium.launch({ executablePath, headless: true, args: chromiumFlags })
  t.teardown(() => browser.close())
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: look.height ?? 900 }, colorScheme: look.dark === true ? 'dark' : 'light', javaScriptEnabled: look.script ?? true,
  })
  watch(t, context, url)
  const page = await context.newPage()
  return {
    service, url, page, context,
    async signIn(role = 'admin') {
      const { token } = await newSession(service, role)
      await context.addCookies([{ name: 'latchkey', value: token, url, httpOnly: true, sameSite: 'Lax' }])
    },
    async other(options) {
      const theirs = await browser.newContext(options)
      watch(t, theirs, url)
      return await theirs.newPage()
    },
    axe: async (other = page) => { t.deepEqual(await axe(other), [], other.url()) },
  }
}

function watch(t: ExecutionContext<any>, context: BrowserContext, url: string): void {
  context.on('console', message => {
    // A refusal on purpose is not an error of the page; its text is checked by the story.
    if (message.type() === 'error' && !/Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())) t.fail(`console: ${message.text()}`)
  })
  context.on('weberror', error => { t.fail(`script: ${error.error().message}`) })
  context.on('request', request => {
    if (!request.url().startsWith(`${url}/`)) t.fail(`a request to ${request.url()}`)
  })
}

/** What an iPhone's Safari looks like from here. */
export const iPhone: BrowserContextOptions = {
  viewport: { width: 320, height: 640 }, locale: 'en-GB',
  userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
}

/** What a laptop with a fingerprint reader has. */
export async function authenticator({ context, page }: Pick<Story, 'context' | 'page'>) {
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  return { setVerified: async (isUserVerified: boolean) => { await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }) } }
}

const everything = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const colours = ['color-contrast', 'link-in-text-block']

/**
 * What axe finds, one line each; the policy of the page stays in force.
 *
 * @param only  its colours, where all else was read already
 */
export async function axe(page: Page, only?: 'colours'): Promise<string[]> {
  if (await page.evaluate('globalThis.axe === undefined')) await page.evaluate(axeSource)
  return await page.evaluate(async options => {
    const { violations } = await (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: { id: string, help: string, nodes: { html: string }[] }[] }> } }).axe.run(options)
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.html).join(' | ')}`)
  }, { runOnly: only === undefined ? { type: 'tag', values: everything } : { type: 'rule', values: colours }, resultTypes: ['violations'] })
}
