// Copying, printing and reading a file into the table: conveniences of pages that work without them.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = navigator.clipboard === undefined
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
    button.textContent = 'Copied'
  })
}
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => window.print())
}
for (const holder of document.querySelectorAll('[data-file-into]')) {
  const text = document.getElementById(holder.dataset.fileInto)
  holder.hidden = false
  holder.querySelector('input').addEventListener('change', async event => {
    const [file] = event.target.files
    if (file !== undefined && file.size <= 200_000) text.value = await file.text()
  })
}
