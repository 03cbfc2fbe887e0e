// A chart as a picture: its title, what it is about, its legend and its marks, as they are on screen, at twice the resolution.
import { color } from './theme';

interface Entry {
    name: string;
    color: string;
}

const SCALE = 2;
const PADDING = 20 * SCALE;
const TITLE_PX = 17 * SCALE;
const TEXT_PX = 12 * SCALE;
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

function load(url: string): Promise<HTMLImageElement> {
    return new Promise((resolve, reject) => {
        const image = new Image();
        image.onload = () => resolve(image);
        image.onerror = () => reject(new Error('The chart could not be drawn.'));
        image.src = url;
    });
}

// Draws the legend from (x, y) on, in lines of the width; returns where it ends.
function drawLegend(context: CanvasRenderingContext2D, entries: Entry[], y: number, width: number, paint: boolean): number {
    let x = PADDING;
    context.font = `${TEXT_PX}px ${FAMILY}`;
    for (const entry of entries) {
        const need = TEXT_PX * 1.5 + context.measureText(entry.name).width + TEXT_PX * 1.5;
        if (x + need > width - PADDING && x > PADDING) {
            x = PADDING;
            y += TEXT_PX * 1.8;
        }
        if (paint) {
            context.fillStyle = color(entry.color);
            context.fillRect(x, y - TEXT_PX * 0.8, TEXT_PX, TEXT_PX);
            context.fillStyle = color('--text');
            context.fillText(entry.name, x + TEXT_PX * 1.5, y);
        }
        x += need;
    }
    return entries.length ? y + TEXT_PX : y - TEXT_PX;
}

export async function drawPng(title: string, subtitle: string, url: string, entries: Entry[]): Promise<Blob> {
    const image = await load(url);
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    if (!context) {
        throw new Error('This browser cannot draw pictures.');
    }
    const width = image.width + PADDING * 2;
    const legendTop = PADDING + TITLE_PX + TEXT_PX * 4;
    const top = drawLegend(context, entries, legendTop, width, false) + TEXT_PX * 0.5;
    canvas.width = width;
    canvas.height = top + image.height + PADDING;
    context.fillStyle = color('--surface');
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = color('--text');
    context.font = `600 ${TITLE_PX}px ${FAMILY}`;
    context.fillText(title, PADDING, PADDING + TITLE_PX, width - PADDING * 2);
    context.font = `${TEXT_PX}px ${FAMILY}`;
    context.fillStyle = color('--text-muted');
    context.fillText(subtitle, PADDING, PADDING + TITLE_PX + TEXT_PX * 1.8, width - PADDING * 2);
    drawLegend(context, entries, legendTop, width, true);
    context.drawImage(image, PADDING, top);
    return new Promise((resolve, reject) => {
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture could not be made.'))), 'image/png');
    });
}
