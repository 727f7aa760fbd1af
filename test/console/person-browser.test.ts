/** The phone owner's pages in a real browser: followed live while a simulated phone enrolls, and read by axe. */
import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core'
import { defaultTemplate } from '../../src/enrollment/template.ts'
import { deviceApprove } from '../../src/protocols/api/operations/device-settle.ts'
import type { Refusal } from '../../src/phone/outcome.ts'
import { axe, chromiumFlags, iPhone as phone } from '../support/browser.ts'
import { download, phoneBeforeSecondPost } from '../support/ota-phone.ts'
import { phoneKeys } from '../support/kept.ts'
import { peer } from '../support/peers.ts'
import { openWorld, type World } from '../support/world.ts'

type Browsing = { open(options: BrowserContextOptions): Promise<BrowserContext>, faults: string[] }

/** A browser of its own. What it complains about, and requests to other hosts, are faults. */
async function browserOf(t: ExecutionContext, { url }: World): Promise<Browsing | undefined> {
  const executablePath = peer(t, 'chromium')
  if (executablePath === undefined) return undefined
  const browser = await chromium.launch({ executablePath, headless: true, args: chromiumFlags })
  t.teardown(() => browser.close())
  const faults: string[] = []
  return {
    faults,
    async open(options) {
      const context = await browser.newContext(options)
      context.on('console', message => {
        // What is not found is on purpose, or an icon that nobody named.
        if (message.type() === 'error' && !/status of 404/.test(message.text())) faults.push(message.text())
      })
      context.on('weberror', error => { faults.push(error.error().message) })
      context.on('request', request => { if (!request.url().startsWith(`${url}/`)) faults.push(request.url()) })
      return context
    },
  }
}

test('after Start the page leads to the steps, follows the phone, and ends with its key', async t => {
  const world = await openWorld(t)
  const browsing = await browserOf(t, world)
  if (browsing === undefined) return
  const { open, faults } = browsing
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  const page = await (await open(phone)).newPage()
  await page.goto(link)
  t.false(await page.locator('#follow').isVisible())
  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Start' }).first().press('Enter')
  await downloading
  await page.locator('#follow').getByText('Waiting for the phone', { exact: true }).waitFor()
  t.is(page.url(), link, 'the page stays where it is')
  t.false(await page.getByText('Before you start').isVisible())
  t.is(await page.evaluate(() => (globalThis as any).document.activeElement.id as string), 'next')

  world.service.clock.advance(5)
  await phoneBeforeSecondPost(world, link)
  await page.locator('#follow').getByText('Decided: approved').waitFor()
  t.false(await page.getByText('What happens next').isVisible(), 'what was done need not be read again')
  world.service.clock.advance(5)
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  await page.locator('#follow').getByRole('heading', { name: 'The key is ready' }).waitFor()
  t.is(await page.getByRole('status').textContent(), 'The key is ready')
  t.deepEqual(await axe(page), [])
  t.deepEqual(faults, [])
})

test('the page of a phone in quarantine changes by itself when somebody has decided', async t => {
  const world = await openWorld(t)
  const browsing = await browserOf(t, world)
  if (browsing === undefined) return
  const { open, faults } = browsing
  await world.approve('*')
  const { page: address } = await world.enroll((await world.invite()).link, { product: 'iPhone999,1', keys: phoneKeys }) as Refusal
  const page = await (await open({ ...phone, locale: 'de-DE' })).newPage()
  await page.clock.install()
  await page.goto(address!)
  await page.getByRole('heading', { name: 'Das muss sich erst jemand ansehen' }).waitFor()
  const [device] = await world.service.db.query('select device_id from enrollments')
  await deviceApprove.run(world.service, { name: 'ada', role: 'operator', source: 'test' }, { id: device!.device_id, reason: 'seen' })
  await page.clock.runFor(16_000)
  await page.getByRole('heading', { name: 'Zugelassen', exact: true }).waitFor()
  t.deepEqual(faults, [])
})

test('without script the same page shows how far the phone is', async t => {
  const world = await openWorld(t)
  const browsing = await browserOf(t, world)
  if (browsing === undefined) return
  const { open, faults } = browsing
  await world.approve('iPhone14,5')
  const invitation = await world.invite()
  const page = await (await open({ ...phone, javaScriptEnabled: false })).newPage()
  await page.goto(invitation.link)
  await download(invitation)
  await page.getByRole('link', { name: 'open this page again' }).click()
  await page.getByRole('heading', { name: 'Waiting for the phone' }).waitFor()
  world.service.clock.advance(5)
  await phoneBeforeSecondPost(world, invitation.link)
  // The page asks for itself again after five seconds.
  await page.getByRole('heading', { name: 'The phone is making its key' }).waitFor()
  t.deepEqual(faults, [])
})

/** Addresses of pages in every state that an owner may see. */
async function everyPage(world: World): Promise<string[]> {
  const { db, now } = world.service
  await db.query(`update templates set body = $1 where name = 'default'`, [JSON.stringify({
    ...defaultTemplate, exchange: { host: 'mail.example' }, passcode: { minLength: 6 }, forceEncryptedBackup: true, webClip: [{ label: 'Help', url: 'https://help.example/' }],
  })])
  await world.approve('iPhone14,5')
  await db.query(`insert into rules (id, verdict, conditions, reason, author, created_at) values ($1, 'quarantine', '{"productType":"iPhone10,*"}', 'x', 'ada', $2)`, [randomUUID(), now()])
  const invite = async (name: string) => await world.invite({ email: `${randomUUID()}@example.com`, name })
  const enroll = async (product: string, serial: string) => {
    const { link } = await invite('Ines Roth')
    return [link, (await world.enroll(link, { product, serial, keys: phoneKeys }) as Partial<Refusal>).page]
  }
  const waiting = await invite('Ines Roth')
  await download(waiting)
  const ended = await invite('Ines Roth')
  await db.query('update invitations set ended_at = $1 where id = $2', [now(), ended.id])
  const making = await invite('Ines Roth')
  await phoneBeforeSecondPost(world, making.link)
  return [
    (await invite('Ines Roth')).link, (await invite(`\u202e<b>${'x'.repeat(10_000)}`)).link, waiting.link, ended.link, making.link, `${world.url}/i/x`,
    ...await enroll('iPhone1,2', 'F2LAAAAAAAA1'), ...await enroll('iPhone10,1', 'F2LAAAAAAAA2'), ...await enroll('iPhone14,5', 'F2LAAAAAAAA3'),
  ].filter(address => address !== undefined)
}

test('axe finds nothing on any page, light and dark, at 320 points and with text twice as large, and nothing is cut off', async t => {
  const world = await openWorld(t)
  const browsing = await browserOf(t, world)
  if (browsing === undefined) return
  const { open, faults } = browsing
  const addresses = await everyPage(world)
  for (const [scheme, locale, textSize] of [['light', 'en-GB', 100], ['dark', 'de-DE', 100], ['light', 'de-DE', 200]] as const) {
    const page = await (await open({ ...phone, colorScheme: scheme, locale })).newPage()
    for (const address of addresses) {
      await page.goto(address)
      await page.evaluate(percent => { (globalThis as any).document.documentElement.style.fontSize = `${17 * percent / 100}px` }, textSize)
      t.deepEqual(await axe(page), [], `${address} ${scheme} ${locale} ${textSize}`)
      t.true(await page.evaluate(() => (globalThis as any).document.documentElement.scrollWidth <= (globalThis as any).innerWidth), `${address} ${textSize}`)
    }
  }
  t.deepEqual(faults, [])
})
