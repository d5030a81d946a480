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
      const link = document.createElement("a");
      link.href = canvas.toDataURL("image/png");
      link.download = button.dataset.file;
      link.click();
    });
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(drawn));
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = one.dataset.rows < 60; }));
