/** Every page of the console and of phone owners, as it is met in use: read by axe, watched by the browser, and measured. */
import test from 'ava'
import type { Page } from 'playwright-core'
import { personRouter } from '../../src/console/person/router.ts'
import { consoleRouter } from '../../src/console/router.ts'
import { enrollmentDeps } from '../../src/http/enrollment-deps.ts'
import { axe } from '../support/browser.ts'
import { openCompany } from '../support/company.ts'
import { openGallery, scenes } from '../support/gallery.ts'
import { layoutFaults } from '../support/layout-faults.ts'
import { peer } from '../support/peers.ts'
import type { Scene } from '../support/scene.ts'
import { testService } from '../support/service.ts'

/** What answers a GET and is no page: files, states for a script, and ways on. */
const noPages = [/^\/assets\//, /^\/favicon\.ico$/, /\.(?:csv|pem|ps1)$/, /\/state$/, /\/evidence\/:evidence$/, /^\/$/, /^\/console$/]

test('every page has a scene, so that it is read, measured and looked at', async t => {
  const service = await testService(t)
  const routes = [consoleRouter(service), personRouter(service, enrollmentDeps(service))]
    .flatMap(router => router.stack.filter(({ methods }) => methods.includes('GET')).map(({ path }) => String(path)))
  const pages = [...new Set(routes)].filter(path => !noPages.some(pattern => pattern.test(path)))
  const seen = new Set(scenes.flatMap(({ route, leadsTo }) => leadsTo === undefined ? [route] : [route, leadsTo]))
  t.true(pages.length > 30)
  t.deepEqual(pages.filter(path => !seen.has(path)), [])
  t.deepEqual([...seen].filter(path => path !== '/console' && !pages.includes(path)), [], 'and every scene a page')
})

/** How a page is looked at; the first is that of a small phone. Axe reads the colours alone where all else is as before. */
const looks: readonly { width: number, dark: boolean, percent: number, only?: 'colours' }[] = [
  { width: 320, dark: false, percent: 100 }, { width: 320, dark: true, percent: 100, only: 'colours' }, { width: 320, dark: false, percent: 200 },
  { width: 1280, dark: false, percent: 100 }, { width: 1280, dark: true, percent: 200, only: 'colours' },
]

/** A page is the same on either database, so that each is looked at in every way on one of them. */
const looksHere = process.env['DATABASE_URL'] === undefined ? looks : looks.slice(0, 1)

async function faultsOf(page: Page, { browser }: Scene): Promise<string[]> {
  const found: string[] = []
  for (const { width, dark, percent, only } of looksHere) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
    await page.evaluate(larger => {
      const { documentElement: root } = (globalThis as any).document
      root.style.fontSize = ''
      if (larger !== 100) root.style.fontSize = `${parseFloat((globalThis as any).getComputedStyle(root).fontSize) * larger / 100}px`
    }, percent)
    const here = [...await layoutFaults(page), ...browser?.script === false ? [] : await axe(page, only)]
    found.push(...here.map(fault => `${width} px, ${dark ? 'dark' : 'light'}, ${percent} %: ${fault}`))
  }
  return found
}

test('nothing is wrong with any page, light and dark, at 320 px, at a desk, and with text twice as large', async t => {
  t.timeout(600_000)
  const executablePath = peer(t, 'chromium')
  if (executablePath === undefined) return
  const company = await openCompany(t, 12)
  const gallery = await openGallery(company, executablePath)
  t.teardown(gallery.close)
  const faults: string[] = []
  const waiting = [...scenes]
  const look = async (): Promise<void> => {
    for (let scene = waiting.shift(); scene !== undefined; scene = waiting.shift()) {
      const { name } = scene
      try {
        const page = await gallery.open(scene, text => { faults.push(`${name}: ${text}`) })
        faults.push(...(await faultsOf(page, scene)).map(fault => `${name}: ${fault}`))
        await page.context().close()
      } catch (error) {
        // One page that cannot be led to must not hide what is wrong with the others.
        faults.push(`${name}: ${(error as Error).message}`)
      }
    }
  }
  await Promise.all([look(), look()])
  t.deepEqual(faults, [])
})
