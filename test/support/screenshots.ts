/**
 * Pictures of every page for people to look at: `npm run screenshots [part of a name …]` writes them to `screenshots/`, at a
 * desk and on two phones, light and dark, and on paper where a page is made for it.
 */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { openCompany } from './company.ts'
import { openGallery, scenes } from './gallery.ts'
import type { Scene } from './scene.ts'

const folder = fileURLToPath(new URL('../../screenshots/', import.meta.url))
const widths = [1280, 390, 320]
/** Longer pages go on in the same way. */
const mostHeight = 5000
const onPaper = new Set(['invitation-made', 'invitations-many-made', 'account-codes-made'])

async function main(wanted: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const ends: (() => unknown)[] = []
  const company = await openCompany({ teardown: (end: () => unknown) => { ends.push(end) } } as never)
  const gallery = await openGallery(company, '/usr/bin/chromium')
  for (const scene of scenes.filter(({ name }) => wanted.length === 0 || wanted.some(part => name.includes(part)))) {
    const say = (text: string): void => { process.stdout.write(`${scene.name}: ${text}\n`) }
    try {
      const page = await gallery.open(scene, say)
      await shoot(page, scene, say)
      await page.context().close()
    } catch (error) {
      say((error as Error).message)
    }
  }
  await gallery.close()
  for (const end of ends.reverse()) await end()
}

async function shoot(page: Page, { name }: Scene, say: (text: string) => void): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await picture(page, `${name}-${width}-${colorScheme}`)
    }
    const { scrollWidth, scrollHeight } = await page.evaluate('({ scrollWidth: document.documentElement.scrollWidth, scrollHeight: document.documentElement.scrollHeight })') as { scrollWidth: number, scrollHeight: number }
    if (scrollWidth > width) say(`${scrollWidth} px wide on a screen of ${width}`)
    if (scrollHeight > mostHeight) say(`${scrollHeight} px high at ${width}`)
  }
  if (!onPaper.has(name)) return
  await page.setViewportSize({ width: 794, height: 1123 })
  await page.emulateMedia({ media: 'print', colorScheme: 'light' })
  await picture(page, `${name}-paper`)
}

async function picture(page: Page, name: string): Promise<void> {
  const height = Math.min(await page.evaluate('document.documentElement.scrollHeight') as number, mostHeight)
  await page.screenshot({ path: `${folder}${name}.png`, fullPage: true, animations: 'disabled', clip: { x: 0, y: 0, width: page.viewportSize()!.width, height } })
}

await main(process.argv.slice(2))
