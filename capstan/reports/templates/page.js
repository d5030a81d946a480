function save(address, name) {
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
}
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(whole).arrayBuffer()], { type: "text/csv" });
}
for (const button of document.querySelectorAll("button[data-csv]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const address = URL.createObjectURL(await unpack(button.dataset.csv));
    save(address, button.dataset.file);
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  });
}
for (const button of document.querySelectorAll("button[data-picture]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const drawn = document.getElementById(button.dataset.picture);
    const { width, height } = drawn.viewBox.baseVal;
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width + 40, height: 2 * height + 40 });
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 20, 20, 2 * width, 2 * height);
      save(canvas.toDataURL("image/png"), button.dataset.file);
    });
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(drawn));
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = one.dataset.rows < 60; }));
